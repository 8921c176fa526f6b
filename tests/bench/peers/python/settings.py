"""What an operator can decide, with the same names and defaults as the functions'."""

import os

from botocore.config import Config


def _whole(name, otherwise):
    value = int(os.environ.get(name, otherwise))
    if value < 0:
        raise ValueError(f"{name} must not be negative")
    return value


def _word(name, otherwise, words):
    value = os.environ.get(name, otherwise)
    if value not in words:
        raise ValueError(f"{name} must be one of: {', '.join(words)}")
    return value


def _on(name, otherwise):
    return _word(name, otherwise, ("true", "false")) == "true"


TABLE = os.environ["TABLE_NAME"]
SIGNING_SECRET = os.environ["SIGNING_SECRET_ARN"]
EMBEDDING_ENABLED = _on("EmbeddingEnabled", "true")
ALLOWED_ORIGINS = [
    origin.rstrip("/").lower() for origin in os.environ.get("AllowedOrigins", "").replace(",", " ").split()
]
REQUIRE_TOKEN_EXPIRY = _on("RequireTokenExpiry", "true")
MAX_TOKEN_LIFETIME_SECONDS = _whole("MaxTokenLifetimeSeconds", 86_400)
PINNED = _word("EnabledInToken", "default", ("default", "pinned")) == "pinned"
ALLOW_EMPTY_LOCKED_LIST = _on("AllowEmptyLockedList", "false")
RESOURCE_CACHE_SECONDS = _whole("ResourceCacheSeconds", 5)
KEY_CACHE_SECONDS = _whole("KeyCacheSeconds", 60)

# A viewer waits: short timeouts and few attempts, then an honest 503.
IMPATIENT = Config(
    connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 3}
)
