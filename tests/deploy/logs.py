"""The log group that all deployed functions write to."""

import json

import boto3

from stack import check


def drive(stack, kept):
    """Every function behind the API logged a request of one of its routes, and no line contains a credential."""
    group = f"/aws/lambda/{stack.name}/functions"
    check("the log groups of functions", groups(stack), {group})
    lines = messages(group)
    owners = route_owners(stack)
    logged = {owner for owner in (owner_of(line, owners) for line in lines) if owner}
    check("every function behind the API logged a request", logged, set(owners.values()))
    credentials = [stack.admin_key, stack.signing_secret, kept["native"]["narrow_key"]]
    credentials += [value for dialect in kept.values() for value in dialect.values() if len(value) > 30]
    leaking = [line for line in lines if any(credential in line for credential in credentials)]
    check("no key, token or session is logged", leaking, [])


def groups(stack):
    """The log groups that belong to functions of the stack, also those that Lambda creates by default."""
    found = boto3.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack.name}")["logGroups"]
    return {group["logGroupName"] for group in found}


def messages(group):
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def route_owners(stack):
    """The integration behind each route of the API, such as `ANY /v1/view`. The authorizer has no route."""
    gateway, api = boto3.client("apigatewayv2"), stack.host.split(".")[0]
    pages = gateway.get_paginator("get_routes").paginate(ApiId=api)
    return {route["RouteKey"]: route["Target"] for page in pages for route in page["Items"]}


def owner_of(line, owners):
    """The integration whose function wrote a line; nothing if the line is not about a request."""
    try:
        span = json.loads(line)["span"]
    except (ValueError, TypeError, KeyError):
        return None
    method, route = span.get("method"), span.get("route")
    return owners.get(f"{method} {route}") or owners.get(f"ANY {route}")
