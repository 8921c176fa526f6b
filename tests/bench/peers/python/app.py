"""`verify-token` as one would write it in Python: `GET /v1/view` behind API Gateway's HTTP API, to be measured
beside ours. It reads what ours reads and refuses for the same reasons.

Left out, all of which makes this one faster: dives, Cube's sessions and service accounts; the other routes;
JSON that names a member twice; and what ours writes after its answer (uses of keys, and why it refused)."""

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

# Before the first request, when nobody waits. Failing here is no failure yet: the request tries again.
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
            raise Refusal("route_not_found")
        body = open_view(_embed_token(event["headers"]), event.get("rawQueryString", ""), span)
    except Exception as error:
        refusal = error if isinstance(error, Refusal) else Refusal("internal", detail=traceback.format_exc())
        status = refusal.status
        body = {
            "message": refusal.message,
            "code": refusal.code,
            "reason": refusal.reason,
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
        line["reason"] = refusal.reason
        if refusal.detail:
            line["detail"] = refusal.detail
        line["message"] = "failed" if status >= 500 else "refused"
    else:
        line["message"] = "answered"
    print(_compact({**line, "span": span}), flush=True)


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
