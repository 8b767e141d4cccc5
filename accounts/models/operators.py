"""What operators ask for and do: AccessGrant, AccessRead, OperatorAction."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.people import User
from accounts.models.workspaces import Membership
from omnistra.core.sealing import SealedTextField
from omnistra.core.tenancy import SystemModel, WorkspaceForeignKey, WorkspaceModel


class AccessGrant(WorkspaceModel):
    """An operator's request to read one conversation, and what the workspace decided.

    Only an owner or privacy officer approves; it ends by itself after `hours`, or at once when either side says so.
    """

    MAX_HOURS = 12
    DEFAULT_HOURS = 1

    class State(models.TextChoices):
        REQUESTED = "requested", "Waiting for an answer"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        ENDED = "ended", "Ended"

    operator = models.ForeignKey(User, models.CASCADE, related_name="+")
    conversation_id = models.UUIDField()
    reason: Any = SealedTextField()
    hours = models.PositiveSmallIntegerField(default=DEFAULT_HOURS)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = WorkspaceForeignKey(Membership, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(hours__range=(1, 12)), name="accounts_grant_hours"),
            models.CheckConstraint(
                condition=Q(state="requested", decided_at__isnull=True, expires_at__isnull=True)
                | Q(state="refused", decided_at__isnull=False, expires_at__isnull=True)
                | Q(state="ended", ended_at__isnull=False)
                | Q(
                    state="approved",
                    decided_by__isnull=False,
                    expires_at__gt=F("decided_at"),
                    expires_at__lte=F("decided_at") + timedelta(hours=12),
                ),
                name="accounts_grant_state",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-requested_at"], name="accounts_grant_list"),
            models.Index(fields=["operator", "-requested_at"], name="accounts_grant_operator"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_live(self) -> bool:
        """Approved, and neither over nor ended."""
        return self.state == self.State.APPROVED and self.expires_at is not None and timezone.now() < self.expires_at

    @property
    def is_over(self) -> bool:
        """Approved once, and its time has run out."""
        return self.state == self.State.APPROVED and not self.is_live

    def approve(self, by: Membership, hours: int) -> None:
        """The operator may read for `hours` from now."""
        now: datetime = timezone.now()
        self.state, self.decided_by, self.decided_at, self.hours = self.State.APPROVED, by, now, hours
        self.expires_at = now + timedelta(hours=hours)
        self.save(update_fields=["state", "decided_by", "decided_at", "hours", "expires_at"])

    def refuse(self, by: Membership) -> None:
        """The operator may not."""
        self.state, self.decided_by, self.decided_at = self.State.REFUSED, by, timezone.now()
        self.save(update_fields=["state", "decided_by", "decided_at"])

    def end(self) -> None:
        """From now on nothing opens any more."""
        self.state, self.ended_at = self.State.ENDED, timezone.now()
        self.save(update_fields=["state", "ended_at"])


class AccessRead(WorkspaceModel):
    """A message that an operator read under a grant: the workspace sees every one."""

    grant = WorkspaceForeignKey(AccessGrant, related_name="+")
    message_id = models.UUIDField()
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "grant", "message_id"], name="accounts_access_read_once")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OperatorAction(SystemModel):
    """What an operator did to a workspace or a person, with the reason given."""

    class Action(models.TextChoices):
        SUSPENDED = "workspace.suspended", "Workspace suspended"
        RESUMED = "workspace.resumed", "Workspace resumed"
        SESSIONS_ENDED = "person.sessions_ended", "Sessions ended"
        FACTOR_RESET = "person.second_factor_reset", "Second factor removed"

    operator = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=40, choices=Action.choices)
    target_workspace_id = models.UUIDField(null=True)
    target_user_id = models.UUIDField(null=True)
    reason = models.TextField(max_length=500)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(SystemModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(target_workspace_id__isnull=False) | Q(target_user_id__isnull=False),
                name="accounts_operator_action_target",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="accounts_operator_action_reason"),
        ]
        indexes = [models.Index(fields=["-at"], name="accounts_operator_action_list")]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
