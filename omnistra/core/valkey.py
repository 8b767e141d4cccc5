"""The one client of Valkey (CACHE_URL) for what Django's cache does not offer. Its calls raise redis.RedisError."""

import redis
from django.conf import settings

_clients: dict[str, "redis.Redis"] = {}


def client() -> "redis.Redis":
    """The client of this process; waits a second at most."""
    url = settings.CACHE_URL
    if url not in _clients:
        _clients[url] = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    return _clients[url]
