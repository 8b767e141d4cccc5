"""Invitations into a workspace: Invitation."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from accounts.models.workspaces import Membership, RoleHolder
from omnistra.core.sealing import SealedTextField, blind
from omnistra.core.tenancy import (
    WorkspaceForeignKey,
    WorkspaceManager,
    WorkspaceQuerySet,
    system_scope,
)


class InvitationQuerySet(WorkspaceQuerySet):
    def with_sender(self) -> models.QuerySet[Any]:
        """With what `state` looks at."""
        return self.select_related("custom_role", "invited_by__user", "invited_by__custom_role")

    def unanswered(self) -> models.QuerySet[Any]:
        """Neither accepted nor revoked; they may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def due(self) -> models.QuerySet[Any]:
        """Those whose mail is to be sent now."""
        now = timezone.now()
        return self.unanswered().filter(sent_at__isnull=True, next_attempt_at__lte=now, expires_at__gt=now)


class Invitation(RoleHolder):
    """An invitation by mail. The address is sealed; the token is in the mail, and here only as its hash.

    An answer, a revocation or seven days end it, and so does the moment in which who sent it could no longer do so: who
    was removed cannot come back by an invitation to themselves. It is deleted a month after (accounts.jobs).
    """

    LIFETIME = timedelta(days=7)
    KEPT = timedelta(days=30)  # beyond that, so that an old link still says what became of it

    email: Any = SealedTextField()
    email_hash = models.BinaryField(max_length=16)
    token_hash = models.BinaryField(max_length=32, null=True, unique=True)  # null until the mail is written
    invited_by = WorkspaceForeignKey(Membership, null=True, related_name="+")
    accepted_by = WorkspaceForeignKey(Membership, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Any]] = WorkspaceManager.from_queryset(InvitationQuerySet)()

    class Meta(RoleHolder.Meta):
        constraints = [
            *RoleHolder.Meta.constraints,
            models.UniqueConstraint(
                fields=["workspace", "email_hash"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="accounts_invitation_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="accounts_invitation_list"),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(sent_at__isnull=True, accepted_at__isnull=True, revoked_at__isnull=True),
                name="accounts_invitation_due",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @staticmethod
    def hash_of(workspace_id: UUID, email: str) -> bytes:
        """Under what an address is looked up in a workspace."""
        return blind(workspace_id, "invitation.email", email.strip().lower())

    @staticmethod
    def hash_token(token: str) -> bytes:
        """What is stored of a token. It has 256 random bits, so a plain hash cannot be reversed by guessing."""
        return hashlib.sha256(token.encode("utf-8", "replace")).digest()

    @classmethod
    def by_token(cls, token: str) -> "Invitation | None":
        """The invitation of a token, in whichever workspace."""
        with transaction.atomic(), system_scope("accounts.invitation_by_token"):
            rows = cls.objects.with_sender().select_related("workspace", "accepted_by")
            return rows.filter(token_hash=cls.hash_token(token)).first()  # type: ignore[no-any-return]

    @property
    def state(self) -> str:
        """`open`, `accepted`, `revoked`, `expired`, or `void`: who sent it could not do so any more."""
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        return "open" if self.invited_by and self.invited_by.may_give(self) else "void"

    def is_for(self, email: str) -> bool:
        """Whether it was sent to this address."""
        return secrets.compare_digest(bytes(self.email_hash), self.hash_of(self.workspace_id, email))

    def revoke(self) -> None:
        """Its link stops working at once."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])
