"""Calls the example, an API that requires an embed token: protected_api.py STACK EXAMPLE"""

import http.client
import sys
import urllib.parse

import boto3

from native import SOON
from stack import Answer, Failed, Stack, check, check_soon


def rows_of(stack, example, token):
    """A response of the example's API."""
    outputs = boto3.client("cloudformation").describe_stacks(StackName=example)["Stacks"][0]["Outputs"]
    url = urllib.parse.urlsplit({each["OutputKey"]: each["OutputValue"] for each in outputs}["RowsUrl"])
    headers = {"host": url.netloc} | ({"authorization": f"Bearer {token}"} if token else {})
    connection = http.client.HTTPConnection(stack.emulator, timeout=30)
    connection.request("GET", f"{url.path}?customer=globex", headers=headers)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def main(name, example):
    stack = Stack(name)
    published = {
        "title": "Orders",
        "enable_embedding": True,
        "parameters": [{"slug": "customer", "name": "Customer", "type": "text"}],
        "embedding_params": {"customer": "locked"},
    }
    stack.admin("PUT", "/v1/resources/dashboard/88", published).good("publish", 201)
    for customer, orders in [("acme", [1, 3]), ("globex", [2]), ("nobody", [])]:
        token = stack.sign({"dashboard": 88}, params={"customer": customer})
        rows = rows_of(stack, example, token).good(f"rows of {customer}")["rows"]
        check(f"only rows of {customer}", [row["order"] for row in rows], orders)
    status = lambda token: rows_of(stack, example, token).status
    check("no token", status(None), 401)
    check("a token of another key", status(stack.sign({"dashboard": 88}, secret="0" * 64)), 403)
    check("an expired token", status(stack.sign({"dashboard": 88}, params={"customer": "acme"}, exp=1)), 403)
    token = stack.sign({"dashboard": 88}, params={"customer": "acme"})
    stack.admin("PUT", "/v1/resources/dashboard/88", {**published, "enable_embedding": False}).good("unpublish")
    check_soon("a token for an unpublished resource", lambda: status(token), 403, SOON)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED  {failure}")
