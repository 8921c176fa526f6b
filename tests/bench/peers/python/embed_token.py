"""Embed tokens: JWTs signed with HS256. PyJWT verifies the signature; what surrounds it is here, because
every refusal has its own reason."""

import math
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from jwt import PyJWS
from jwt.exceptions import PyJWTError

import settings
import values
from keys import signing_keys, signing_keys_anew
from refusal import Refusal

MAX_BYTES = 8 * 1024
LEEWAY_SECONDS = 60
# Members that carry or fetch key material, or change how the token is to be read.
REFUSED_MEMBERS = ("crit", "jwk", "jku", "x5u", "x5c", "b64")
EMBED_TYPES = ("jwt", "embed+jwt")

_jws = PyJWS(algorithms=["HS256"])


def authenticate(token):
    """The key that signed the token, and what it claims."""
    if len(token.encode()) > MAX_BYTES:
        raise Refusal("token_too_large")
    header, payload, _ = _split(token)
    kid = _read_header(header)
    # A key that we have not heard of may be new.
    for read in (signing_keys, signing_keys_anew):
        candidates = [key for key in read() if _may_verify(key, kid)]
        for key in candidates:
            if _is_signed_by(token, key):
                return key.kid, _read_claims(payload)
    raise Refusal("token_signature" if kid is None or candidates else "token_key_unknown")


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
        raise Refusal("token_malformed") from error
    encoded = [urlsafe_b64encode(part).decode().rstrip("=") for part in decoded]
    if len(parts) != 3 or encoded != parts:
        raise Refusal("token_malformed")
    return decoded


def _read_header(document):
    """The kid, if the header names one."""
    try:
        header = values.parse(document.decode())
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise Refusal("token_header", detail="not a JSON object")
    algorithm = header.get("alg")
    if algorithm is None or algorithm is False:
        raise Refusal("token_algorithm", "JWT is missing `alg`.")
    if algorithm == "none":
        raise Refusal("token_algorithm", "JWT `alg` cannot be `none`.")
    if algorithm != "HS256":
        raise Refusal("token_algorithm")
    for name in REFUSED_MEMBERS:
        if name in header:
            raise Refusal("token_header", detail=f"member {name}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in EMBED_TYPES:
        raise Refusal("token_header", detail="typ")
    if "kid" in header and not isinstance(header["kid"], str):
        raise Refusal("token_header", detail="kid")
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
    # What is left out here is refused, and never taken for less than it says.
    of_a_session = "sid" in claims and "deploymentId" in claims
    if of_a_session or "account" in claims or "version" in claims or claims.get("state"):
        raise _wrong("left out")
    return claims


def _wrong(name):
    return Refusal("token_claims", detail=f"claim {name}")


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
        if settings.REQUIRE_TOKEN_EXPIRY:
            raise Refusal("token_without_expiry")
    else:
        expires = math.floor(claims["exp"])
        if expires <= now - LEEWAY_SECONDS:
            raise Refusal("token_expired", f"Token is expired ({expires})")
        if expires > now + settings.MAX_TOKEN_LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise Refusal("token_lifetime")
    if "nbf" in claims:
        since = math.floor(claims["nbf"])
        if since > now + LEEWAY_SECONDS:
            raise Refusal("token_not_yet_valid", f"Token is not yet valid ({since})")
