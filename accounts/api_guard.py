"""Who calls the API and what the key allows. The framework loads this module before its own views exist, so it must not
import them."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from accounts.audit import Actor, record
from accounts.models import ApiKey
from omnistra.core.addresses import network_hash
from omnistra.core.rates import take
from omnistra.core.tenancy import system_scope, workspace_scope


class KeyHolder:
    """The "user" of an API request: a key of one workspace."""

    is_authenticated = True
    is_active = True

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = key.pk

    @property
    def actor(self) -> Actor:
        return Actor.api_key(self.key.pk)

    @property
    def workspace_id(self) -> UUID:
        return self.key.workspace_id


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <key>`. A place that keeps sending keys that open nothing is not listened to for a while,
    whatever it sends: a right guess among many would show otherwise."""

    FAILURES: ClassVar[int] = 20  # that a place may have within SECONDS
    SECONDS: ClassVar[int] = 60

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        self._failures(request, count=False)
        with transaction.atomic(), system_scope("accounts.api_key"):
            key = ApiKey.of_secret(secret.strip())
            if key is not None:
                if key.workspace.suspended_at is not None:
                    raise exceptions.PermissionDenied("This workspace is suspended.", "workspace_suspended")
                if key.workspace.closing_at is not None:
                    raise exceptions.PermissionDenied("This workspace is closing.", "workspace_closing")
                if key.used_from(network_hash(request, f"api-key:{key.pk}")):
                    with workspace_scope(key.workspace_id):
                        record("api_key.used_from_new_address", Actor.api_key(key.pk), key.pk)
        if key is None:
            self._failures(request, count=True)
            raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
        return KeyHolder(key), key

    def _failures(self, request: Request, *, count: bool) -> None:
        """Look at this place's failures, or count one more. Raises Throttled (429)."""
        place = network_hash(request, "api-failures").hex()
        rate = take(f"api-failures:{place}", self.FAILURES, self.SECONDS, count=count)
        if rate is not None and not rate.allowed:
            raise exceptions.Throttled(rate.reset, "Too many requests with a key that opens nothing. Check the key.")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ScopePermission(permissions.BasePermission):
    """The view's `required_scopes` (method -> permission) against the key's scopes; deny by default."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, KeyHolder):
            raise exceptions.NotAuthenticated("Send your API key as 'Authorization: Bearer …'.")
        if not hasattr(view, str(request.method).lower()):
            raise exceptions.MethodNotAllowed(str(request.method))
        wanted = getattr(view, "required_scopes", {}).get(request.method)
        return wanted is not None and request.user.key.may(wanted)
