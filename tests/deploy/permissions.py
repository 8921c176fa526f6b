"""Checks that the emulator enforces the policies of a function's role: a function whose policies are removed cannot
read the table, and can again when they are restored."""

import json

import boto3

from native import SOON
from stack import check, check_soon


def drive(stack, token):
    iam, formation = boto3.client("iam"), boto3.client("cloudformation")
    detail = formation.describe_stack_resource(StackName=stack.name, LogicalResourceId="VerifyTokenRole")
    role = {"RoleName": detail["StackResourceDetail"]["PhysicalResourceId"]}
    names = iam.list_role_policies(**role)["PolicyNames"]
    policies = {name: iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"] for name in names}
    view = lambda: stack.view(token).outcome
    check("a view with its policies", view(), 200)
    for name in policies:
        iam.delete_role_policy(**role, PolicyName=name)
    check_soon("a view without its policies", view, (503, "unavailable"), SOON)
    for name, policy in policies.items():
        iam.put_role_policy(**role, PolicyName=name, PolicyDocument=json.dumps(policy))
    check_soon("a view after its policies are restored", view, 200, SOON)
