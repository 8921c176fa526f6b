"""All that the table knows about a view, in one round trip; or in none, when it was read a moment ago."""

import time
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import settings
import values
from refusal import Refusal

MAX_REMEMBERED = 1_000

_client = boto3.client("dynamodb", config=settings.IMPATIENT)
_remembered = {}


class Evidence(NamedTuple):
    embedding_enabled: bool
    resource: dict | None
    # The names of what is on file of the token's session.
    session: frozenset | None


class Read(NamedTuple):
    value: Any
    # May it be remembered?
    keep: bool


def gather(reference, fingerprint):
    sought = [SWITCH, ((reference, "resource"), _read_resource)]
    if fingerprint:
        sought.append(((f"session#{fingerprint}", "session"), _read_session))
    turned, resource, *session = _known(sought)
    is_on = settings.EMBEDDING_ENABLED if turned is None else turned
    return Evidence(is_on, resource, session[0] if session else None)


def warm():
    _known([SWITCH])


def _read_switch(item):
    return Read(item["embedding_enabled"]["BOOL"] if item else None, True)


def _read_resource(item):
    if not item:
        return Read(None, False)
    resource = values.parse(item["document"]["S"])
    # The markup stands beside the document.
    if resource["content"] and resource["content"]["type"] == "html":
        resource["content"]["html"] = item["html"]["S"]
    # What cannot be seen is read anew each time: publishing shows at once.
    return Read(resource, resource["enable_embedding"] and not resource["archived"])


def _read_session(item):
    return Read(frozenset(item or ()), True)


SWITCH = (("settings", "settings"), _read_switch)


def _known(sought):
    now = time.time()
    found, asked = {}, []
    for key, _ in sought:
        value, read_at = _remembered.get(key, (None, 0))
        if now - read_at < settings.RESOURCE_CACHE_SECONDS:
            found[key] = value
        else:
            asked.append(key)
    items = _read(asked) if asked else {}
    for key, read in sought:
        if key not in found:
            found[key], keep = read(items.get(key))
            if keep:
                _remember(key, found[key], now)
    return [found[key] for key, _ in sought]


def _remember(key, value, now):
    _remembered.pop(key, None)
    _remembered[key] = (value, now)
    if len(_remembered) > MAX_REMEMBERED:
        del _remembered[next(iter(_remembered))]


def _read(asked):
    """Reads the whole batch or fails: half an answer could be a wider view."""
    keys = [{"pk": {"S": partition}, "sk": {"S": sort}} for partition, sort in asked]
    try:
        answer = _client.batch_get_item(RequestItems={settings.TABLE: {"Keys": keys, "ConsistentRead": True}})
    except (BotoCoreError, ClientError) as error:
        raise Refusal("unavailable", detail=f"BatchGetItem: {type(error).__name__}") from error
    items = answer.get("Responses", {}).get(settings.TABLE)
    if items is None or answer.get("UnprocessedKeys"):
        raise Refusal("unavailable", detail="BatchGetItem: not the whole answer")
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
