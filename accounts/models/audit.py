"""The record of who did what: AuditEntry."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from omnistra.core.tenancy import WorkspaceModel


class AuditEntry(WorkspaceModel):
    """Who did what to which row, when: ids and field names, never personal text."""

    class Actor(models.TextChoices):
        MEMBER = "member"
        API_KEY = "api_key"
        OPERATOR = "operator"
        SYSTEM = "system"

    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10, choices=Actor.choices)
    actor_id = models.UUIDField(null=True)
    target_id = models.UUIDField(null=True)
    fields = ArrayField(models.CharField(max_length=60), default=list)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "-at"], name="accounts_audit_time")]

    def __str__(self) -> str:
        return self.action
