"""Who calls the API and what the key allows. The framework loads this module before its own views exist, so it must not
import them."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from accounts.audit import Actor
from accounts.models import ApiKey
from omnistra.core.tenancy import system_scope


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
    """`Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            return None
        with transaction.atomic(), system_scope("accounts.api_key"):
            key = ApiKey.objects.select_related("workspace").filter(key_hash=ApiKey.hash(secret.strip())).first()
            if key is None or not key.usable:
                raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
            if key.workspace.suspended_at is not None:
                raise exceptions.PermissionDenied("This workspace is suspended.", "workspace_suspended")
            if key.workspace.closing_at is not None:
                raise exceptions.PermissionDenied("This workspace is closing.", "workspace_closing")
            now = timezone.now()
            if key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60:
                ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return KeyHolder(key), key

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
        return wanted is not None and wanted in request.user.key.scopes
