"""The shared cache, which may go away: what it holds can be missed at any time, so its absence is a miss and no error.

What must not be forgotten (who tried how many passwords, what was sent) stands in the database and not here.
"""

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from omnistra.core.logs import get_logger

log = get_logger(__name__)


class ForgivingClient(RedisCacheClient):  # type: ignore[misc]  # the stubs leave the class out
    """Answers as an empty cache would while the server does not answer."""

    def _or(self, instead: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            log.warning("cache.away", error=type(error).__name__)
            return instead

    def add(self, key: Any, value: Any, timeout: Any) -> Any:
        return self._or(True, super().add, key, value, timeout)

    def get(self, key: Any, default: Any) -> Any:
        return self._or(default, super().get, key, default)

    def set(self, key: Any, value: Any, timeout: Any) -> Any:
        return self._or(None, super().set, key, value, timeout)

    def touch(self, key: Any, timeout: Any) -> Any:
        return self._or(False, super().touch, key, timeout)

    def delete(self, key: Any) -> Any:
        return self._or(False, super().delete, key)

    def get_many(self, keys: Any) -> Any:
        return self._or({}, super().get_many, keys)

    def set_many(self, data: Any, timeout: Any) -> Any:
        return self._or(None, super().set_many, data, timeout)

    def has_key(self, key: Any) -> Any:
        return self._or(False, super().has_key, key)

    def incr(self, key: Any, delta: Any) -> Any:
        found = self._or(None, super().incr, key, delta)
        if found is None:
            raise ValueError("The cache is away: nothing was counted.")
        return found

    def delete_many(self, keys: Any) -> Any:
        return self._or(None, super().delete_many, keys)


class ForgivingCache(RedisCache):
    """Django's Redis cache over a ForgivingClient."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = ForgivingClient
