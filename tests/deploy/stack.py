"""Access to the deployed stack for its owner and its callers, and the checks."""

import base64
import http.client
import json
import os
import time
import urllib.parse

import boto3
import jwt


class Failed(Exception):
    """A check that did not hold; the message names the expected and the actual value."""


checked = 0


def check(what, got, expected):
    global checked
    if got != expected:
        raise Failed(f"{what}:\n  expected {expected!r}\n  got      {got!r}")
    checked += 1
    print(f"  ok  {what}", flush=True)


def check_soon(what, ask, expected, seconds):
    """Repeats a call until the caches of all functions must have expired."""
    end = time.monotonic() + seconds
    while (got := ask()) != expected and time.monotonic() < end:
        time.sleep(0.25)
    check(f"{what}, within {seconds} s", got, expected)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()
        is_json = response.headers.get_content_type() == "application/json"
        self.json = json.loads(self.text) if is_json and self.text else None

    @property
    def outcome(self):
        """The status of a success; the status and the reason of an error."""
        return self.status if self.status < 400 else (self.status, (self.json or {}).get("reason", self.text))

    def good(self, what, status=200):
        check(what, self.outcome, status)
        return self.json


class Stack:
    def __init__(self, name):
        self.name = name
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.status = stack["StackStatus"]
        self.parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self.host = urllib.parse.urlsplit(self.outputs["ApiUrl"]).netloc
        self.emulator = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
        self.admin_key = self.secret("AdminKeyArn")
        self.signing_secret = json.loads(self.secret("SigningSecretArn"))["secret"]

    def secret(self, output):
        secrets = boto3.client("secretsmanager")
        return secrets.get_secret_value(SecretId=self.outputs[output])["SecretString"]

    def items(self):
        """Every item of the table in the order of its keys, but the numbers of views, which functions write later."""
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TableName"])
        items = [item for page in pages for item in page["Items"] if item["pk"]["S"] != "decision#days"]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def call(self, method, path, body=None, **headers):
        """One request. The emulator selects the API by the `Host` header, so its name needs no DNS record."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        connection = http.client.HTTPConnection(self.emulator, timeout=30)
        connection.request(method, path, body, {"host": self.host, **headers})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def admin(self, method, path, body=None):
        return self.call(method, path, body, authorization=f"Bearer {self.admin_key}")

    def view(self, token, query=""):
        """Requests a view as the page does."""
        return self.call("GET", f"/v1/view{query}", authorization=f"Bearer {token}")

    def sign(self, resource, secret=None, **claims):
        """A token as the owner's backend signs it."""
        payload = {"resource": resource, "params": {}, "exp": int(time.time()) + 3600, **claims}
        return jwt.encode(payload, secret or self.signing_secret, algorithm="HS256")


def decoded(text):
    """The JSON within unpadded base64url."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
