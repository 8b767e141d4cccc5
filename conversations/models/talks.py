"""What is said: Conversation, Message, Reaction, Attachment; and Delivery, which sends it."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import AuditEntry, Membership
from channels_app.models import Channel
from conversations.models.people import Contact
from omnistra.core.sealing import SealedJSONField, SealedTextField
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel

# No operator: only the customer's own people, keys and rules instruct a message (policy clause 1b).
INSTRUCTORS = [choice for choice in AuditEntry.Actor.choices if choice[0] != AuditEntry.Actor.OPERATOR]


class OutOfSight(Exception):
    """A conversation was to be given to a member who is limited to other channels."""


class Conversation(WorkspaceModel):
    """One contact's thread on one channel."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    sealed_by: ClassVar[str] = "contact_id"
    limited_by: ClassVar[str] = "channel_id"
    HELD_BY_SOMEBODY: ClassVar[str] = "unknown"  # a refusal said so and did not say who

    channel = WorkspaceForeignKey(Channel, related_name="+")
    contact = WorkspaceForeignKey(Contact, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    assignee = WorkspaceForeignKey(Membership, null=True, related_name="+")
    unread_count = models.PositiveIntegerField(default=0)
    last_message_at = models.DateTimeField()  # the provider's time
    last_inbound_at = models.DateTimeField(null=True)  # opens the reply window
    held_by = models.CharField(max_length=64, blank=True)  # another app that answers now, by its id; "" for us
    # What the platform taught us by a refusal, and when (policy.lessons). A later message of the person ends the first two.
    window_lost_at = models.DateTimeField(null=True, editable=False)
    unreachable_at = models.DateTimeField(null=True, editable=False)
    marketing_after = models.DateTimeField(null=True, editable=False)  # no marketing before
    identity_refused_at = models.DateTimeField(null=True, editable=False)  # until a person confirms who it is
    blocked_at = models.DateTimeField(null=True, editable=False)  # by us, at the platform
    held_at = models.DateTimeField(null=True)  # since when it is so, or is so again
    referral: Any = SealedJSONField(null=True)  # the ad or link that led here: the next message takes it along
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "channel", "contact"], name="conversations_conversation_once")
        ]
        indexes = [
            models.Index(fields=["workspace", "status", "-last_message_at", "-id"], name="conversations_list"),
            models.Index(fields=["workspace", "channel", "last_message_at"], name="conversations_age"),
            models.Index(fields=["workspace", "contact"], name="conversations_of_contact"),
            models.Index(
                fields=["workspace", "assignee", "-last_message_at"],
                condition=models.Q(assignee__isnull=False),
                name="conversations_assigned",
            ),
            models.Index(
                fields=["workspace"],
                condition=models.Q(status="open", unread_count__gt=0),
                name="conversations_unread",
            ),
            models.Index(
                fields=["workspace", "-last_message_at"],
                condition=models.Q(status="open", assignee__isnull=True),
                name="conversations_unassigned",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def close(self) -> None:
        """Done: it leaves the open list until the contact writes again."""
        self.status = self.Status.CLOSED
        self.save(update_fields=["status"])

    def reopen(self) -> None:
        """Back into the open list."""
        self.status = self.Status.OPEN
        self.save(update_fields=["status"])

    def assign(self, member: Membership | None) -> None:
        """Give it to a member, or to nobody. Raises OutOfSight."""
        if member is not None and not member.sees(self.channel_id):
            raise OutOfSight("This member does not see the conversation's channel.")
        self.assignee = member
        self.save(update_fields=["assignee"])

    def try_again(self) -> None:
        """A member says that the person can be reached after all, or that we answer again: sending goes on."""
        self.unreachable_at = self.identity_refused_at = None
        changed = ["unreachable_at", "identity_refused_at"]
        if self.held_by == self.HELD_BY_SOMEBODY:
            self.held_by, changed = "", [*changed, "held_by"]
        self.save(update_fields=changed)

    def mark_read(self) -> None:
        """An agent has seen it."""
        type(self).objects.filter(pk=self.pk).update(unread_count=0)
        self.unread_count = 0


class Message(WorkspaceModel):
    """One inbound or outbound item of a conversation.

    One with `unsent_at` was taken back: nothing is left of it but that it was there. A reaction of ours is one too (`type`
    reaction, the marked message in `reply_to_hash`), so that it goes out as everything does; it is shown at the message
    that it marks. Those of people are in Reaction.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Status(models.TextChoices):
        RECEIVED = "received"
        SCHEDULED = "scheduled"
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        DELIVERED = "delivered"
        READ = "read"
        FAILED = "failed"
        UNKNOWN = "unknown"

    class SentFrom(models.TextChoices):
        PHONE = "phone", "The app on the phone"
        INBOX = "inbox", "The platform's own inbox"
        APP = "app", "Another app"

    # A status only moves to a higher rank; delivered and read beat failed (providers/whatsapp.md 7).
    RANK: ClassVar[dict[str, int]] = {
        "scheduled": -1, "queued": 0, "sending": 1, "unknown": 2, "sent": 3, "failed": 4, "delivered": 5, "read": 6,
        "received": 9,
    }  # fmt: skip
    REACTION: ClassVar[str] = "reaction"
    sealed_by: ClassVar[str] = "contact_id"
    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    conversation = WorkspaceForeignKey(Conversation, related_name="+")
    contact = WorkspaceForeignKey(Contact, related_name="+")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    type = models.CharField(max_length=12)
    # text, location, cards …: see contract.InboundMessage.content; template and choices: conversations.outgoing
    content: Any = SealedJSONField(null=True)
    # The provider's id holds the person's number (providers/whatsapp.md 5): hashed for look-up, sealed for use.
    external_id: Any = SealedTextField(null=True)
    external_hash = models.BinaryField(max_length=16, null=True)
    reply_to_hash = models.BinaryField(max_length=16, null=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    send_at = models.DateTimeField(null=True)  # scheduled ones: when
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error_code = models.IntegerField(null=True)
    error: Any = SealedJSONField(null=True)  # title, detail, next
    instructed_by_kind = models.CharField(max_length=10, choices=INSTRUCTORS, null=True)  # noqa: DJ001
    instructed_by_id = models.UUIDField(null=True)
    sent_from = models.CharField(max_length=5, choices=SentFrom.choices, blank=True)  # outbound; "" for here
    edit_number = models.PositiveIntegerField(default=0)  # as the platform counts, where it does
    edited_at = models.DateTimeField(null=True)
    unsent_at = models.DateTimeField(null=True)
    played_at = models.DateTimeField(null=True)  # a voice message that was listened to
    price = models.JSONField(null=True)  # what the platform told of it; null is unknown, never free
    raw_event_id = models.UUIDField(null=True, editable=False)  # the journal's row, while it lives
    provider_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "channel", "external_hash"], name="conversations_message_once"
            ),
            # Policy clause 1b: what goes out from here was instructed by somebody; what was sent elsewhere was not by us.
            models.CheckConstraint(
                condition=models.Q(direction="inbound", instructed_by_kind__isnull=True, sent_from="")
                | models.Q(
                    direction="outbound", instructed_by_kind__isnull=False, instructed_by_id__isnull=False, sent_from=""
                )
                | (
                    models.Q(direction="outbound", instructed_by_kind__isnull=True, instructed_by_id__isnull=True)
                    & ~models.Q(sent_from="")
                ),
                name="conversations_message_instructed",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "conversation", "provider_at", "id"], name="conversations_thread"),
            models.Index(fields=["workspace", "channel", "provider_at"], name="conversations_message_age"),
            models.Index(fields=["send_at"], condition=models.Q(status="scheduled"), name="conversations_message_due"),
            models.Index(
                fields=["workspace", "conversation"],
                condition=models.Q(type="reaction"),
                name="conversations_our_reactions",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def can_be_marked(self) -> bool:
        """Whether it is at the platform, so that a reaction can name it."""
        return self.external_hash is not None and self.unsent_at is None and self.type not in (self.REACTION, "system")

    @classmethod
    def said(cls) -> models.QuerySet[Any]:
        """What stands in a thread: no marks, and nothing that is yet to be sent."""
        return cls.objects.exclude(type=cls.REACTION).exclude(status=cls.Status.SCHEDULED)

    @property
    def text(self) -> str:
        """Body or caption, or ""."""
        return str((self.content or {}).get("text", ""))


class Reaction(WorkspaceModel):
    """A mark on a message, tied to it by the hash of its provider id: it may come before the message."""

    sealed_by: ClassVar[str] = "contact_id"
    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    conversation = WorkspaceForeignKey(Conversation, related_name="+")
    contact = WorkspaceForeignKey(Contact, related_name="+")
    target_hash = models.BinaryField(max_length=16)
    emoji: Any = SealedTextField(null=True)  # null: taken back
    provider_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "channel", "target_hash", "contact"], name="conversations_reaction_once"
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "conversation"], name="conversations_reaction_thread"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Attachment(WorkspaceModel):
    """A file of a message. Inbound ones are fetched by their own job; the stored file is sealed."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        FETCHING = "fetching", "Being fetched"
        STORED = "stored", "Stored"
        FAILED = "failed", "Could not be fetched"
        EXPIRED = "expired", "No longer at the platform"
        PURGED = "purged", "Removed by retention"

    sealed_by: ClassVar[str] = "contact_id"
    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    message = WorkspaceForeignKey(Message, related_name="+")
    contact = WorkspaceForeignKey(Contact, related_name="+")
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=State.choices)
    details: Any = SealedJSONField(null=True)  # name, mime, sha256, external_id, voice
    storage_key = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(null=True)  # bytes
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    provider_at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "message"], name="conversations_file_of_message"),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state__in=["pending", "fetching"]),
                name="conversations_file_due",
            ),
            models.Index(
                fields=["workspace", "channel", "provider_at"],
                condition=~models.Q(state="purged"),
                name="conversations_file_age",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def detail(self, name: str) -> Any:
        """One of the sealed details, or ""."""
        return (self.details or {}).get(name, "")


class Delivery(WorkspaceModel):
    """One try-until-settled sending of a message: the outbox row. Its id is the reference that the provider echoes."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    class Priority(models.IntegerChoices):
        REPLY = 0
        CAMPAIGN = 1

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    conversation = WorkspaceForeignKey(Conversation, related_name="+")
    message = WorkspaceForeignKey(Message, related_name="+")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.REPLY)  # the lower first
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    error_code = models.IntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            # One live sending a message: the database itself refuses a second one.
            models.UniqueConstraint(
                fields=["workspace", "message"],
                condition=models.Q(state__in=["queued", "sending"]),
                name="conversations_delivery_one_live",
            )
        ]
        indexes = [
            models.Index(
                fields=["channel", "next_attempt_at"],
                condition=models.Q(state__in=["queued", "sending"]),
                name="conversations_delivery_due",
            ),
            models.Index(
                fields=["workspace", "conversation", "id"],
                condition=models.Q(state__in=["queued", "sending"]),
                name="conversations_delivery_order",
            ),
            models.Index(fields=["workspace", "message"], name="conversations_delivery_of"),
            models.Index(
                fields=["channel", "claimed_at"],
                condition=models.Q(priority=1),
                name="conversations_delivery_bulk",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
