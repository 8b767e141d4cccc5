"""What is kept of a message that is not there: EarlyUpdate, Tombstone."""

from typing import Any, ClassVar

from django.db import models

from channels_app.models import Channel
from conversations.models.people import Contact
from omnistra.core.sealing import SealedJSONField
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class EarlyUpdate(WorkspaceModel):
    """An edit or a status that came before its message: applied when the message comes, forgotten after a while."""

    class Kind(models.TextChoices):
        EDIT = "edit", "Edit"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"
        FAILED = "failed", "Failed"

    sealed_by: ClassVar[str] = "contact_id"
    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    contact = WorkspaceForeignKey(Contact, null=True, related_name="+")  # null: nobody whom we know
    target_hash = models.BinaryField(max_length=16)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    details: Any = SealedJSONField(null=True)  # edit: text; failed: error_code, detail
    price = models.JSONField(null=True)
    number = models.PositiveIntegerField(default=0)
    provider_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "channel", "target_hash", "kind"], name="conversations_early_once"
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "contact"], name="conversations_early_of_contact"),
            models.Index(fields=["expires_at"], name="conversations_early_end"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Tombstone(WorkspaceModel):
    """A message that was taken back or deleted, by the keyed hash of its id: should it come (again), it is not stored."""

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    target_hash = models.BinaryField(max_length=16)
    expires_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "channel", "target_hash"], name="conversations_tombstone_once")
        ]
        indexes = [models.Index(fields=["expires_at"], name="conversations_tombstone_end")]

    def __str__(self) -> str:
        return str(self.pk)
