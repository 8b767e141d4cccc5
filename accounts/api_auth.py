"""Base of every endpoint: the key's rate limit, its workspace's scope and its channels."""

from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api_guard import KeyHolder
from omnistra.core.rates import take
from omnistra.core.tenancy import workspace_scope

__all__ = ["KeyHolder", "ScopedView"]


class ScopedView(APIView):
    """Base of every endpoint: the handler runs in the scope of the key's workspace and channels, within the key's rate."""

    LIMIT: ClassVar[int] = 600  # requests of a key
    SECONDS: ClassVar[int] = 60

    required_scopes: dict[str, str] = {}

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if isinstance(request.user, KeyHolder):
            self._limit(request.user)  # before the scopes are looked at: a refused request is a request

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.user.key  # type: ignore[union-attr]
        self._scope: Any = workspace_scope(key.workspace_id, key.channel_ids)
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

    def _limit(self, holder: KeyHolder) -> None:
        """The key's sliding window. Without Valkey the limit is off rather than the API."""
        rate = take(f"api-key:{holder.pk}", self.LIMIT, self.SECONDS)
        if rate is None:
            return
        # draft-ietf-httpapi-ratelimit-headers: the two fields of its newest form, and the three of the one before,
        # which more clients read.
        self._rate = {
            "RateLimit-Policy": f'"key";q={rate.limit};w={rate.seconds}',
            "RateLimit": f'"key";r={rate.remaining};t={rate.reset}',
            "RateLimit-Limit": str(rate.limit),
            "RateLimit-Remaining": str(rate.remaining),
            "RateLimit-Reset": str(rate.reset),
        }
        if not rate.allowed:
            raise exceptions.Throttled(rate.reset)
