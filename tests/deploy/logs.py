"""What the deployed functions wrote to their log groups."""

import boto3

from stack import check


def drive(stack, kept):
    """Every function wrote of its requests, and nothing that opens anything."""
    logs = boto3.client("logs")
    opening = [stack.admin_key, stack.signing_secret, kept["native"]["narrow_key"]]
    opening += [value for dialect in kept.values() for value in dialect.values() if len(value) > 30]
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack.name}/")["logGroups"]
    check("each function has a log group", len(groups), len(functions(stack)))
    for group in groups:
        name = group["logGroupName"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
        lines = [event["message"] for page in pages for event in page["events"]]
        check(f"{name} has requests in it", any('"span"' in line for line in lines), True)
        told = [line for line in lines if any(each in line for each in opening)]
        check(f"{name} has no key, token or session in it", told, [])


def functions(stack):
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    return [each for each in resources if each["ResourceType"] == "AWS::Lambda::Function"]
