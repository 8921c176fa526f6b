"""The settings that a benchmark case changes; all others have the defaults of the functions."""

import os

from botocore.config import Config

TABLE = os.environ["TABLE_NAME"]
SIGNING_SECRET = os.environ["SIGNING_SECRET_ARN"]
MAX_TOKEN_LIFETIME_SECONDS = 86_400
RESOURCE_CACHE_SECONDS = int(os.environ.get("ResourceCacheSeconds", 5))
KEY_CACHE_SECONDS = 60

# A viewer is waiting: short timeouts and few attempts, then 503.
CLIENT_CONFIG = Config(
    connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 3}
)
