"""The emulator holds each function to its role's policies. That it does is looked at here, once: a function whose
policies are taken away reads nothing, and reads again when they are back."""

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
    check("a view by a function with its policies", view(), 200)
    for name in policies:
        iam.delete_role_policy(**role, PolicyName=name)
    check_soon("a view without them", view, (503, "unavailable"), SOON)
    for name, policy in policies.items():
        iam.put_role_policy(**role, PolicyName=name, PolicyDocument=json.dumps(policy))
    check_soon("a view with them again", view, 200, SOON)
