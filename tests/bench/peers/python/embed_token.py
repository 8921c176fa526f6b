"""Embed tokens: JWTs signed with HS256. PyJWT verifies the signature; the strict checks of header and claims
are here."""

import math
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from jwt import PyJWS
from jwt.exceptions import PyJWTError

import settings
import values
from keys import signing_keys, refreshed_signing_keys
from refusal import Refusal

MAX_BYTES = 8 * 1024
LEEWAY_SECONDS = 60
# Members that carry or fetch key material, or change how the token is to be read.
REFUSED_MEMBERS = ("crit", "jwk", "jku", "x5u", "x5c", "b64")
EMBED_TYPES = ("jwt", "embed+jwt")

_jws = PyJWS(algorithms=["HS256"])


def authenticate(token):
    """The key that signed the token, and the claims."""
    if len(token.encode()) > MAX_BYTES:
        raise Refusal(400, "token too large")
    header, payload, _ = _split(token)
    kid = _read_header(header)
    # An unknown key may be new: refresh the keys once.
    for read in (signing_keys, refreshed_signing_keys):
        candidates = [key for key in read() if _may_verify(key, kid)]
        for key in candidates:
            if _is_signed_by(token, key):
                return key.kid, _read_claims(payload)
    raise Refusal(401, "token signature" if kid is None or candidates else "token key unknown")


def _may_verify(key, kid):
    return (kid is None or key.kid == kid) and time.time() < key.verifies_until


def _is_signed_by(token, key):
    try:
        _jws.decode(token, key.secret, algorithms=["HS256"])
        return True
    except PyJWTError:
        return False


def _split(token):
    """Three parts of unpadded, canonical base64url."""
    parts = token.split(".")
    try:
        decoded = [urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
    except ValueError as error:
        raise Refusal(400, "token malformed") from error
    encoded = [urlsafe_b64encode(part).decode().rstrip("=") for part in decoded]
    if len(parts) != 3 or encoded != parts:
        raise Refusal(400, "token malformed")
    return decoded


def _read_header(document):
    """The kid, if the header names one."""
    try:
        header = values.parse(document.decode())
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise Refusal(401, "token header", "not a JSON object")
    algorithm = header.get("alg")
    if algorithm is None or algorithm is False:
        raise Refusal(401, "token algorithm")
    if algorithm == "none":
        raise Refusal(401, "token algorithm")
    if algorithm != "HS256":
        raise Refusal(401, "token algorithm")
    for name in REFUSED_MEMBERS:
        if name in header:
            raise Refusal(401, "token header", f"member {name}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in EMBED_TYPES:
        raise Refusal(401, "token header", "typ")
    if "kid" in header and not isinstance(header["kid"], str):
        raise Refusal(401, "token header", "kid")
    return header.get("kid")


def _read_claims(payload):
    try:
        claims = values.parse(payload.decode())
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise _wrong("set")
    for name in ("exp", "nbf", "iat"):
        if name in claims and not _is_moment(claims[name]):
            raise _wrong(name)
    for name in ("iss", "sub", "jti", "sid"):
        if name in claims and not isinstance(claims[name], str):
            raise _wrong(name)
    if claims.get("viewer") is None:
        claims["viewer"] = {}
    if not _is_viewer(claims["viewer"]):
        raise _wrong("viewer")
    # Refuse the claims that this program does not implement.
    of_a_session = "sid" in claims and "deploymentId" in claims
    if of_a_session or "account" in claims or "version" in claims or claims.get("state"):
        raise _wrong("not implemented")
    return claims


def _wrong(name):
    return Refusal(401, "token claims", f"claim {name}")


def _is_moment(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_viewer(viewer):
    if not isinstance(viewer, dict):
        return False
    name, attributes, groups = viewer.get("id"), viewer.get("attributes", {}), viewer.get("groups", [])
    return (
        (name is None or (isinstance(name, str) and bool(name.strip()) and len(name) <= 255))
        and isinstance(attributes, dict)
        and all(map(values.is_value, attributes.values()))
        and isinstance(groups, list)
        and all(isinstance(group, str) for group in groups)
    )


def check_time(claims):
    now = int(time.time())
    if "exp" not in claims:
        raise Refusal(401, "token without expiry")
    expires = math.floor(claims["exp"])
    if expires <= now - LEEWAY_SECONDS:
        raise Refusal(401, "token expired")
    if expires > now + settings.MAX_TOKEN_LIFETIME_SECONDS + LEEWAY_SECONDS:
        raise Refusal(401, "token lifetime")
    if "nbf" in claims:
        since = math.floor(claims["nbf"])
        if since > now + LEEWAY_SECONDS:
            raise Refusal(401, "token not yet valid")
