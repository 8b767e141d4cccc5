"""Base of every endpoint: the key's rate limit and its workspace scope."""

import time
from typing import Any

from django.core.cache import cache
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api_guard import KeyHolder
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import workspace_scope

__all__ = ["KeyHolder", "ScopedView"]
log = get_logger(__name__)
LIMIT, SECONDS = 600, 60  # requests a key and window


class ScopedView(APIView):
    """Base of every endpoint: the handler runs in the scope of the key's workspace, within the key's rate."""

    required_scopes: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._limit(request)
        self._scope: Any = workspace_scope(request.user.workspace_id)  # type: ignore[union-attr]
        self._scope.__enter__()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(self, "_rate", {}).items():
            response[name] = value
        return response

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._scope = None
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self._scope is not None:
                self._scope.__exit__(None, None, None)

    def _limit(self, request: Request) -> None:
        """A fixed window a key, counted in Valkey; without Valkey the limit is off rather than the API."""
        window = int(time.time()) // SECONDS
        name = f"api-rate:{request.user.pk}:{window}"  # type: ignore[union-attr]
        try:
            cache.add(name, 0, timeout=SECONDS * 2)
            used = cache.incr(name)
        except Exception as error:
            log.warning("api.rate_not_counted", error=type(error).__name__)
            return
        reset = (window + 1) * SECONDS - int(time.time())
        self._rate = {
            "RateLimit-Limit": str(LIMIT),
            "RateLimit-Remaining": str(max(0, LIMIT - used)),
            "RateLimit-Reset": str(reset),
        }
        if used > LIMIT:
            raise exceptions.Throttled(wait=reset)
