"""Rotates the signing secret with the deployed function, in the four steps of Secrets Manager: rotation.py STACK

The emulator does not rotate secrets, so this calls the function as Secrets Manager does, each step twice."""

import json
import sys
import uuid

import boto3

from native import SOON
from stack import Failed, Stack, check, check_soon

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


def take(stack, step, version):
    """Whether the function completed the step."""
    detail = boto3.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId="RotateKey")
    event = {"Step": step, "SecretId": stack.outputs["SigningSecretArn"], "ClientRequestToken": version}
    answer = boto3.client("lambda").invoke(
        FunctionName=detail["StackResourceDetail"]["PhysicalResourceId"], Payload=json.dumps(event)
    )
    return "FunctionError" not in answer


def rotate(stack):
    version = str(uuid.uuid4())
    for step in STEPS:
        for _ in range(2):
            check(step, take(stack, step, version), True)
    return Stack(stack.name)


def main(name):
    before = Stack(name)
    before.admin("PUT", "/v1/resources/dashboard/77", {"title": "Rotated", "enable_embedding": True}).good("publish", 201)
    old = before.sign({"dashboard": 77})
    check("a step of a rotation that was not started", take(before, "finishSecret", str(uuid.uuid4())), False)

    after = rotate(before)
    check("the signing secret changed", after.signing_secret != before.signing_secret, True)
    new = after.sign({"dashboard": 77})
    check_soon("a token signed with the new key", lambda: after.view(new).outcome, 200, SOON)
    check("a token signed with the old key", after.view(old).outcome, 200)
    check("a token of an unknown key", after.view(before.sign({"dashboard": 77}, secret="0" * 64)).outcome, (401, "token_signature"))

    rotate(after)
    check("the old token after two rotations", after.view(old).outcome, 200)
    keys = after.admin("GET", "/v1/signing-keys").good("GET /v1/signing-keys")["items"]
    check("only the newest key signs", [key["signs"] for key in keys], [True, False, False])
    check("the oldest key has a last use", keys[2]["last_used_at"] is not None, True)
    refused = after.admin("DELETE", f"/v1/signing-keys/{keys[2]['kid']}").outcome
    check("a key in use is not retired", refused, (409, "signing_key_in_use"))
    after.admin("DELETE", f"/v1/signing-keys/{keys[2]['kid']}?force=true").good("force the retirement", 204)
    check_soon("a token of the retired key", lambda: after.view(old).outcome, (401, "token_signature"), SOON)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED  {failure}")
