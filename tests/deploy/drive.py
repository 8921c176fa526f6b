"""Drives the deployed stack: drive.py first|later STACK KEPT

`first` runs against a new stack and writes the tokens and the state that it leaves into the file KEPT; `later` runs
against the same stack after a deployment with other settings."""

import json
import re
import sys
from pathlib import Path

import boto3

import cube
import data
import logs
import metabase
import motherduck
import native
import permissions
import stack as stacks
from stack import Failed, Stack, check

DIALECTS = {"native": native, "metabase": metabase, "motherduck": motherduck, "cube": cube, "data": data}


def first(stack):
    check("the status of the stack", stack.status, "CREATE_COMPLETE")
    check("the signing secret has 64 hexadecimal digits", len(re.findall("^[0-9a-f]{64}$", stack.signing_secret)), 1)
    check("the admin key has 48 letters and digits", len(re.findall("^[0-9A-Za-z]{48}$", stack.admin_key)), 1)
    kept = {}
    for name, dialect in DIALECTS.items():
        print(name)
        kept[name] = dialect.first(stack)
    print("permissions")
    permissions.drive(stack, kept["native"]["signed"])
    print("logs")
    logs.drive(stack, kept)
    return {"dialects": kept, "stack": facts(stack), "items": stack.items()}


def later(stack, kept):
    check("the status of the stack", stack.status, "UPDATE_COMPLETE")
    check("the address, the table and the secrets are unchanged", facts(stack), kept["stack"])
    check("every item of the table is unchanged", stack.items(), kept["items"])
    check("LogRetentionDays", retentions(stack), {14})
    for name, dialect in DIALECTS.items():
        print(name)
        dialect.later(stack, kept["dialects"][name])


def facts(stack):
    return {"outputs": stack.outputs, "admin key": stack.admin_key, "signing secret": stack.signing_secret}


def retentions(stack):
    groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack.name}/")["logGroups"]
    return {group.get("retentionInDays") for group in groups}


def main(phase, name, file):
    file = Path(file)
    if phase == "first":
        file.write_text(json.dumps(first(Stack(name))))
    else:
        later(Stack(name), json.loads(file.read_text()))
    print(f"{stacks.checked} checks")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED  {failure}")
