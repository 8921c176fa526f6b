"""`GET /v1/view` of verify-token, written in Python: a frozen comparison. See ../README.md."""

import json
import re
import time
import traceback

from evidence import warm
from keys import signing_keys
from refusal import Refusal
from view import open_view

HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
}
CREDENTIAL = re.compile("(?:Bearer|Embed-Token) +(.+)", re.IGNORECASE)

# Warm up before the first request. A failure here is ignored: the request tries again.
for ready in (signing_keys, warm):
    try:
        ready()
    except Refusal:
        pass


def handler(event, context):
    started = time.perf_counter()
    request = event["requestContext"]
    request_id = request["requestId"]
    span = {
        "request_id": request_id,
        "method": request["http"]["method"],
        "route": "/v1/view",
        "name": "request",
    }
    status, refusal = 200, None
    try:
        if event["rawPath"] != "/v1/view":
            raise Refusal(404, "route not found")
        body = open_view(_embed_token(event["headers"]), event.get("rawQueryString", ""), span)
    except Exception as error:
        refusal = error if isinstance(error, Refusal) else Refusal(500, "internal", traceback.format_exc())
        status = refusal.status
        body = {
            "message": refusal.message,
            "request_id": request_id,
        }
    _log(status, refusal, int((time.perf_counter() - started) * 1_000), span)
    headers = {**HEADERS, "x-request-id": request_id}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 503:
        headers["retry-after"] = "1"
    return {
        "statusCode": status,
        "headers": headers,
        "body": _compact(body),
        "isBase64Encoded": False,
    }


def _embed_token(headers):
    shown = CREDENTIAL.fullmatch(headers.get("authorization", "").strip())
    return shown and shown[1]


def _log(status, refusal, milliseconds, span):
    """One line of JSON for each request. Never the path, the token or a value."""
    line = {"level": "ERROR" if status >= 500 else "INFO", "status": status, "milliseconds": milliseconds}
    if refusal:
        if refusal.detail:
            line["detail"] = refusal.detail
        line["message"] = "failed" if status >= 500 else "refused"
    else:
        line["message"] = "answered"
    print(_compact({**line, "span": span}), flush=True)


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
