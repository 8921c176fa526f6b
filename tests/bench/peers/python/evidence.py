"""Everything that a view needs from the table, in one round trip, or in none while it is cached."""

import time
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import settings
import values
from refusal import Refusal

MAX_CACHED = 1_000

_client = boto3.client("dynamodb", config=settings.CLIENT_CONFIG)
_cached = {}


class Evidence(NamedTuple):
    embedding_enabled: bool
    resource: dict | None
    # The attribute names of the session's item.
    session: frozenset | None


class Read(NamedTuple):
    value: Any
    # Whether it may be cached.
    keep: bool


def gather(reference, fingerprint):
    sought = [SWITCH, ((reference, "resource"), _read_resource)]
    if fingerprint:
        sought.append(((f"session#{fingerprint}", "session"), _read_session))
    turned, resource, *session = _known(sought)
    is_on = turned is not False
    return Evidence(is_on, resource, session[0] if session else None)


def warm():
    _known([SWITCH])


def _read_switch(item):
    return Read(item["embedding_enabled"]["BOOL"] if item else None, True)


def _read_resource(item):
    if not item:
        return Read(None, False)
    resource = values.parse(item["document"]["S"])
    # The HTML is an attribute of its own.
    if resource["content"] and resource["content"]["type"] == "html":
        resource["content"]["html"] = item["html"]["S"]
    # Not cached while it cannot be viewed, so that publishing takes effect at once.
    return Read(resource, resource["enable_embedding"] and not resource["archived"])


def _read_session(item):
    return Read(frozenset(item or ()), True)


SWITCH = (("settings", "settings"), _read_switch)


def _known(sought):
    now = time.time()
    found, asked = {}, []
    for key, _ in sought:
        value, read_at = _cached.get(key, (None, 0))
        if now - read_at < settings.RESOURCE_CACHE_SECONDS:
            found[key] = value
        else:
            asked.append(key)
    items = _read(asked) if asked else {}
    for key, read in sought:
        if key not in found:
            found[key], keep = read(items.get(key))
            if keep:
                _cache(key, found[key], now)
    return [found[key] for key, _ in sought]


def _cache(key, value, now):
    _cached.pop(key, None)
    _cached[key] = (value, now)
    if len(_cached) > MAX_CACHED:
        del _cached[next(iter(_cached))]


def _read(asked):
    """Reads the whole batch or fails: a partial answer could grant more than it should."""
    keys = [{"pk": {"S": partition}, "sk": {"S": sort}} for partition, sort in asked]
    try:
        answer = _client.batch_get_item(RequestItems={settings.TABLE: {"Keys": keys, "ConsistentRead": True}})
    except (BotoCoreError, ClientError) as error:
        raise Refusal(503, "unavailable", f"BatchGetItem: {type(error).__name__}") from error
    items = answer.get("Responses", {}).get(settings.TABLE)
    if items is None or answer.get("UnprocessedKeys"):
        raise Refusal(503, "unavailable", "BatchGetItem: not the whole answer")
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
