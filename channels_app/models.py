"""Connected numbers, their templates and the journal: Channel, MessageTemplate, RawEvent. What is kept beside a channel
stands in records."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.utils import timezone

from channels_app.records import App, ChannelHealth, ChannelLogin, ChannelNotice, LoginAttempt, OwnApp
from omnistra.core.sealing import SealedJSONField, SealedTextField
from omnistra.core.tenancy import SystemModel, WorkspaceModel

__all__ = [
    "App", "Channel", "ChannelHealth", "ChannelLogin", "ChannelNotice", "LoginAttempt", "OwnApp", "Provider", "RawEvent",
]  # fmt: skip


class Provider(models.TextChoices):
    """A platform."""

    WHATSAPP = "whatsapp", "WhatsApp"
    MESSENGER = "messenger", "Messenger"
    INSTAGRAM = "instagram", "Instagram"


class Channel(WorkspaceModel):
    """One connected number of a provider. It belongs to one workspace (policy clause 3b)."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        RECONNECT = "reconnect", "Reconnect needed"
        STOPPED = "stopped", "Stopped by the platform"
        DISCONNECTED = "disconnected", "Disconnected"

    limited_by: ClassVar[str] = "id"

    provider = models.CharField(max_length=20, choices=Provider.choices)
    external_id = models.CharField(
        max_length=64
    )  # WhatsApp: phone number id; Messenger: Page id; Instagram: account id
    account_id = models.CharField(
        max_length=64, blank=True
    )  # what subscribes: business account id; Page id; Instagram id, or its Page's
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=64, blank=True)  # the company's own number, as it is shown
    credentials: Any = SealedJSONField(null=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=60, blank=True)
    messages_per_second = models.PositiveIntegerField(default=80)  # providers/whatsapp.md 14
    send_credit = models.FloatField(default=80, editable=False)  # the token bucket of that limit
    send_credit_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    # When it last came to a standstill; stays after that: what waited since then may be out of date.
    stopped_at = models.DateTimeField(null=True, editable=False)
    # What the platform forbids for now: kind of notice -> until when (ISO 8601), "" until it says otherwise.
    restrictions = models.JSONField(default=dict, editable=False)
    own_app = models.BooleanField(default=False, editable=False)  # connected by the workspace's own app
    connected_at = models.DateTimeField(default=timezone.now, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            # It belongs to one workspace (policy clause 3b); where it was disconnected its conversations stay.
            models.UniqueConstraint(
                fields=["provider", "external_id"],
                condition=~models.Q(status="disconnected"),
                name="channels_one_workspace",
            ),
            models.UniqueConstraint(fields=["workspace", "provider", "external_id"], name="channels_once"),
        ]
        indexes = [models.Index(fields=["workspace", "created_at"], name="channels_channel_list")]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}"

    def mark_reconnect(self, reason: str) -> None:
        """The credentials no longer work: sending stops until a member gives new ones."""
        self.status, self.status_reason, self.stopped_at = self.Status.RECONNECT, reason, timezone.now()
        self.save(update_fields=["status", "status_reason", "stopped_at"])

    @classmethod
    def stop(cls, channel_id: UUID, status: str, reason: str) -> bool:
        """An active channel comes to a standstill; gives whether it was active (channels_app.stops tells the reasons)."""
        active = cls.objects.filter(pk=channel_id, status=cls.Status.ACTIVE)
        return bool(active.update(status=status, status_reason=reason, stopped_at=timezone.now()))

    @classmethod
    def restrict(cls, channel_id: UUID, kind: str, until: datetime | None) -> None:
        """Forbid one kind of sending until then (None: until the platform says otherwise). In a transaction."""
        channel = cls.objects.select_for_update(of=("self",)).defer("credentials").get(pk=channel_id)
        channel.restrictions = {**channel.restrictions, kind: until.isoformat() if until else ""}
        channel.save(update_fields=["restrictions"])

    def is_restricted(self, kind: str) -> bool:
        """Whether the platform forbids this now: restricted_first, restricted_replies or restricted_utility."""
        until = self.restrictions.get(kind)
        return until is not None and (until == "" or datetime.fromisoformat(until) > timezone.now())


class MessageTemplate(WorkspaceModel):
    """A message form that the platform approved, or is to. It belongs to the account, so that all its channels share it.

    Its words are the platform's, in lower case (templates.words has ours); `components` are in the platform's form.
    """

    provider = models.CharField(max_length=20, choices=Provider.choices)
    account_id = models.CharField(max_length=64)
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20)
    category = models.CharField(max_length=20)
    coming_category = models.CharField(max_length=20, blank=True)  # announced by the platform; its price comes with it
    status = models.CharField(max_length=30)
    quality = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    advice: Any = SealedTextField(null=True)  # what the platform says in words of a rejection or a pause
    components: Any = SealedJSONField(null=True)
    edited_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "provider", "account_id", "external_id"], name="channels_template_once"
            )
        ]
        indexes = [models.Index(fields=["workspace", "created_at"], name="channels_template_list")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_usable(self) -> bool:
        """Whether it may be sent now."""
        return self.status == "approved"


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
    workspace_id = models.UUIDField(null=True)  # signed by this workspace's own app: tells of its channels alone
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
