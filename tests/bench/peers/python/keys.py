"""The signing keys: loaded before the first request, cached, and refreshed when they expire."""

import re
import time
from datetime import datetime
from typing import NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import settings
import values
from refusal import Refusal

# An unknown key triggers a refresh, but no more often than this: anybody can invent a key id.
MIN_REFRESH_SECONDS = 5

_client = boto3.client("secretsmanager", config=settings.CLIENT_CONFIG)
_kept = None
_asked_at = 0


class Key(NamedTuple):
    kid: str
    # The secret's characters are the key: it is not decoded from hex, because no client does.
    secret: bytes
    verifies_until: float


def signing_keys():
    return _keys_within(settings.KEY_CACHE_SECONDS)


def refreshed_signing_keys():
    return _keys_within(min(MIN_REFRESH_SECONDS, settings.KEY_CACHE_SECONDS))


def _keys_within(max_age):
    global _kept, _asked_at
    if _kept and time.time() - _asked_at < max_age:
        return _kept
    _asked_at = time.time()
    try:
        _kept = _parse(_client.get_secret_value(SecretId=settings.SIGNING_SECRET)["SecretString"])
    except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as error:
        # Expired keys are used while Secrets Manager does not answer.
        if not _kept:
            raise Refusal(503, "unavailable", f"GetSecretValue: {type(error).__name__}") from error
    return _kept


def _parse(text):
    document = values.parse(text)
    keys = [_key(stored) for stored in document.get("keys", [document])]
    if not keys or len({key.kid for key in keys}) != len(keys):
        raise ValueError("no key, or a kid twice")
    return keys


def _key(stored):
    kid, secret, until = stored["kid"], stored["secret"], stored.get("verifies_until")
    if not isinstance(kid, str) or not kid:
        raise ValueError("a key without a kid")
    if not re.fullmatch("[0-9a-f]{64}", secret):
        raise ValueError("no signing key")
    until = float("inf") if until is None else datetime.fromisoformat(until).timestamp()
    return Key(kid, secret.encode(), until)
