"""Opens a view with a token, or raises a refusal."""

import hashlib
import math
import re
import time

from embed_token import authenticate, check_time
from evidence import gather
from parameters import Given, from_claims, from_query, resolve
from refusal import Refusal

KINDS = ("dashboard", "question")
MAX_NUMBER = 2**53 - 1
# An entity id or a public id.
ID = re.compile("[A-Za-z0-9_-]{21}|[A-Za-z][A-Za-z0-9]{11}")


def open_view(token, query, seen):
    """`seen` collects fields for the log line."""
    if not token:
        raise Refusal(401, "token missing")
    seen["key"], claims = authenticate(token)
    check_time(claims)
    reference = seen["resource"] = _named(claims.get("resource"))
    filed_under = claims.get("sid") or (_fingerprint(claims["jti"]) if "jti" in claims else None)
    embedding_enabled, resource, session = gather(reference, filed_under)
    # A token from a stored session ends with the session.
    if filed_under and ("revoked_at" in session or ("sid" in claims and "redeemed_at" not in session)):
        raise Refusal(401, "token revoked")
    if not embedding_enabled:
        raise Refusal(403, "embedding disabled")
    if resource is None:
        raise Refusal(404, "resource not found")
    if resource["archived"]:
        raise Refusal(403, "resource archived")
    if not resource["enable_embedding"]:
        raise Refusal(403, "resource not published")
    url = from_query(query)
    given = Given(from_claims(claims), url, claims["viewer"].get("attributes", {}))
    return _answer(resource, claims, *resolve(resource, given))


def _fingerprint(token_id):
    return hashlib.sha256(token_id.encode()).hexdigest()


def _named(resource):
    """The partition key of the resource that the token names."""
    named = resource if isinstance(resource, dict) else {}
    kinds = [kind for kind in KINDS if named.get(kind) is not None]
    if not kinds:
        raise Refusal(400, "resource missing")
    if len(kinds) > 1:
        raise Refusal(400, "resource ambiguous")
    name = named[kinds[0]]
    if isinstance(name, str):
        is_id = ID.fullmatch(name) is not None
    else:
        is_id = type(name) is int and 1 <= name <= MAX_NUMBER
    if not is_id:
        raise Refusal(400, "resource id invalid")
    return f"{kinds[0]}#{name}"


def _answer(resource, claims, visible, attributes):
    described = ("kind", "id", "entity_id", "public_id", "title", "description")
    viewer = claims["viewer"].get("id")
    answer = {
        "resource": {name: resource[name] for name in described},
        "parameters": visible,
        "content": resource["content"],
        "viewer": None if viewer is None else {"id": viewer},
        "downloads": resource["allow_downloads"],
        "frame_origins": sorted(set(resource["allowed_origins"])),
        "expires_at": _rfc3339(math.floor(claims["exp"])) if "exp" in claims else None,
        "server_time": _rfc3339(time.time()),
    }
    if attributes:
        answer["attributes"] = attributes
    return answer


def _rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
