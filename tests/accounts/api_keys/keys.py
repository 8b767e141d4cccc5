"""Keys for these tests."""

from typing import Any

from django.db import transaction
from django.test import Client

from accounts.models import ApiKey, AuditEntry
from omnistra.core.tenancy import workspace_scope

PAGE = "/w/northwind/settings/api-keys/"
LIST = "/api/v1/conversations/"


def issue(workspace: Any, scopes: Any = ("conversations.view",), **more: Any) -> tuple[ApiKey, str]:
    """A key and its secret."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return ApiKey.issue("Shop", list(map(str, scopes)), None, **more)


def again(workspace: Any, key: ApiKey) -> ApiKey:
    """The key as it is now."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return ApiKey.objects.get(pk=key.pk)


def change(workspace: Any, key: ApiKey, **fields: Any) -> None:
    """Write fields of a key."""
    with workspace_scope(workspace.pk), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**fields)


def status(secret: str, address: str = LIST, ip: str = "203.0.113.7") -> int:
    """How the API answers to a secret."""
    return int(ask(secret, address, ip).status_code)


def ask(secret: str, address: str = LIST, ip: str = "203.0.113.7") -> Any:
    """The API's answer to a secret."""
    return Client(headers={"Authorization": f"Bearer {secret}"}, REMOTE_ADDR=ip).get(address)


def entries(workspace: Any, action: str) -> list[AuditEntry]:
    """What the audit log says of an action."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(AuditEntry.objects.filter(action=action).order_by("at"))
