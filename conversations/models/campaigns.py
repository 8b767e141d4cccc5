"""Campaign and CampaignRecipient: what is to be sent, and one row for each person whom it concerns."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from channels_app.models import Channel
from conversations.models.people import Contact
from conversations.models.talks import Message
from omnistra.core.sealing import SealedJSONField
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class Campaign(WorkspaceModel):
    """A template, the people it goes to, and how far it is.

    The template is named by its id alone: fetching templates from the platform may take the row away, and then the
    campaign holds. `values` may hold places such as {{name}} (campaigns.filling).
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        STOPPED = "stopped", _("Stopped")

    limited_by: ClassVar[str] = "channel_id"
    BY_MEMBER: ClassVar[str] = "by_member"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    name = models.CharField(max_length=120)
    template_id = models.UUIDField()
    template_name = models.CharField(max_length=512)
    template_language = models.CharField(max_length=20)
    values: Any = SealedJSONField()  # slot -> what fills it
    segment: Any = SealedJSONField(null=True)  # segments.Segment; null: nobody chosen yet
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(max_length=40, blank=True)  # why it is paused or stopped (campaigns.words)
    counted_to = models.UUIDField(null=True, editable=False)  # the last contact that was looked at
    counted_at = models.DateTimeField(null=True, editable=False)  # when every recipient had a row
    start_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    # Who started it instructs its messages (policy clause 1b).
    instructed_by_kind = models.CharField(max_length=10, choices=AuditEntry.Actor.choices, blank=True)
    instructed_by_id = models.UUIDField(null=True)
    erased_count = models.PositiveIntegerField(default=0, editable=False)  # recipients whose data are gone
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(instructed_by_id__isnull=False),
                name="conversations_campaign_instructed",
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="conversations_campaign_list"),
            models.Index(
                fields=["channel"],
                condition=models.Q(state__in=["draft", "scheduled", "running"]),
                name="conversations_campaign_live",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def hold(self, reason: str) -> None:
        """Nothing more is queued until somebody resumes it; `reason` is one of campaigns.words."""
        self.state, self.reason = self.State.PAUSED, reason
        self.save(update_fields=["state", "reason"])

    def run(self) -> None:
        """It goes on, or begins."""
        self.state, self.reason = self.State.RUNNING, ""
        self.started_at = self.started_at or timezone.now()
        self.save(update_fields=["state", "reason", "started_at"])

    def end(self, state: str, reason: str = "") -> None:
        """Finished or stopped: for good."""
        self.state, self.reason, self.ended_at = state, reason, timezone.now()
        self.save(update_fields=["state", "reason", "ended_at"])

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in (self.State.FINISHED, self.State.STOPPED)


class CampaignRecipient(WorkspaceModel):
    """One person of one campaign. Its message has the same id, so that no second one can be made.

    While the message is there, its status says how far it came; when retention takes the message, `state` keeps what it
    was (personal_data).
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SKIPPED = "skipped", _("Left out")
        QUEUED = "queued", _("On its way")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")
        FAILED = "failed", _("Not sent")
        UNKNOWN = "unknown", _("Not known whether it arrived")

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey(Channel, related_name="+")
    campaign = WorkspaceForeignKey(Campaign, related_name="+")
    contact = WorkspaceForeignKey(Contact, related_name="+")
    message = WorkspaceForeignKey(Message, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=40, blank=True)  # why they are left out (campaigns.words)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "campaign", "contact"], name="conversations_campaign_recipient_once"
            ),
            models.UniqueConstraint(fields=["workspace", "message"], name="conversations_campaign_message_once"),
        ]
        indexes = [
            models.Index(fields=["campaign", "id"], name="conversations_campaign_people"),
            models.Index(
                fields=["campaign", "id"], condition=models.Q(state="pending"), name="conversations_campaign_next"
            ),
            models.Index(fields=["workspace", "contact"], name="conversations_campaigns_of"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
