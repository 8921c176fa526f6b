"""What the deployed functions wrote to their log groups."""

import boto3

from stack import check


def drive(stack, kept):
    """Every function that the API reaches wrote of its requests, and none wrote what opens anything."""
    logs = boto3.client("logs")
    opening = [stack.admin_key, stack.signing_secret, kept["native"]["narrow_key"]]
    opening += [value for dialect in kept.values() for value in dialect.values() if len(value) > 30]
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack.name}/")["logGroups"]
    names = {group["logGroupName"] for group in groups}
    reached = reached_groups(stack)
    check("the groups of functions that were reached are the template's", reached - names, set())
    for name in sorted(names):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
        lines = [event["message"] for page in pages for event in page["events"]]
        if name in reached:
            check(f"{name} has requests in it", any('"span"' in line for line in lines), True)
        told = [line for line in lines if any(each in line for each in opening)]
        check(f"{name} has no key, token or session in it", told, [])


def reached_groups(stack):
    functions = boto3.client("lambda")
    api = stack.host.split(".")[0]
    integrations = boto3.client("apigatewayv2").get_integrations(ApiId=api)["Items"]
    configurations = [
        functions.get_function_configuration(FunctionName=each["IntegrationUri"]) for each in integrations
    ]
    return {each["LoggingConfig"]["LogGroup"] for each in configurations}
