"""Connected numbers and the journal: Channel, RawEvent."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from omnistra.core.sealing import SealedJSONField
from omnistra.core.tenancy import SystemModel, WorkspaceModel


class Provider(models.TextChoices):
    """A platform."""

    WHATSAPP = "whatsapp", "WhatsApp"


class Channel(WorkspaceModel):
    """One connected number of a provider. It belongs to one workspace (policy clause 3b)."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        RECONNECT = "reconnect", "Reconnect needed"
        DISCONNECTED = "disconnected", "Disconnected"

    limited_by: ClassVar[str] = "id"

    provider = models.CharField(max_length=20, choices=Provider.choices)
    external_id = models.CharField(max_length=64)  # WhatsApp: phone number id
    account_id = models.CharField(max_length=64, blank=True)  # WhatsApp: business account id
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=64, blank=True)  # the company's own number, as it is shown
    credentials: Any = SealedJSONField(null=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=60, blank=True)
    messages_per_second = models.PositiveIntegerField(default=80)  # providers/whatsapp.md 14
    send_credit = models.FloatField(default=80, editable=False)  # the token bucket of that limit
    send_credit_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["provider", "external_id"], name="channels_one_workspace")]
        indexes = [models.Index(fields=["workspace", "created_at"], name="channels_channel_list")]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}"

    def mark_reconnect(self, reason: str) -> None:
        """The credentials no longer work: sending stops until a member gives new ones."""
        self.status, self.status_reason = self.Status.RECONNECT, reason
        self.save(update_fields=["status", "status_reason"])


class RawEvent(SystemModel):
    """One webhook body as received: the journal. Sealed under the ingress key of its day, gone after seven days.

    The runtime role may append and not read; the drain reads it as the system role.
    """

    class State(models.TextChoices):
        NEW = "new", "New"
        DONE = "done", "Done"
        ASIDE = "aside", "Set aside"

    provider = models.CharField(max_length=20)
    event_key = models.BinaryField(max_length=16, unique=True)  # keyed hash of the body: a repeat is the same event
    body = models.BinaryField()
    received_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    reason = models.CharField(max_length=200, blank=True)  # code words, never content
    processed_at = models.DateTimeField(null=True)

    class Meta(SystemModel.Meta):
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="new"), name="channels_rawevent_new"),
            models.Index(fields=["received_at"], condition=models.Q(state="aside"), name="channels_rawevent_aside"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
