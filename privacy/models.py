"""How long, what was deleted, what was agreed, what was asked: RetentionPolicy, PurgeRun, FileRemoval, TermsAcceptance,
Closure, DataRequest."""

import secrets

from django.db import models
from django.utils import timezone

from accounts.models import Membership
from omnistra.core.tenancy import SystemModel, WorkspaceForeignKey, WorkspaceModel


class RetentionPolicy(WorkspaceModel):
    """How long a workspace keeps what, in days; null keeps until asked. One row for the workspace (`channel_id` null),
    one for each channel that differs (policy clause 10b)."""

    MAX_DAYS = 3650

    channel_id = models.UUIDField(null=True, editable=False)
    conversation_days = models.PositiveIntegerField(null=True, blank=True)  # after a conversation's last message
    message_days = models.PositiveIntegerField(null=True, blank=True)  # after each message
    media_days = models.PositiveIntegerField(null=True, blank=True)  # after each file
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(WorkspaceModel.Meta):
        verbose_name_plural = "retention policies"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "channel_id"], nulls_distinct=False, name="privacy_retention_once"
            ),
            *(
                models.CheckConstraint(
                    condition=models.Q(**{f"{name}__isnull": True}) | models.Q(**{f"{name}__range": (1, 3650)}),
                    name=f"privacy_retention_{name}",
                )
                for name in ("conversation_days", "message_days", "media_days")
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PurgeRun(WorkspaceModel):
    """One pass of the purge over a workspace. Counts grow with each chunk, in the chunk's own transaction, so they are
    exact whatever kills the run."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "Hourly"
        MEMBER = "member", "Started by a member"
        COMMAND = "command", "Command line"
        CLOSURE = "closure", "The workspace closed"
        CHANNEL = "channel", "A channel was disconnected and erased"

    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    cutoffs = models.JSONField(default=dict)  # rule -> time before which it deletes
    counts = models.JSONField(default=dict)  # store -> rows or files deleted
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "-started_at"], name="privacy_purgerun_list")]

    def __str__(self) -> str:
        return str(self.pk)


class FileRemoval(WorkspaceModel):
    """A stored file that no row holds (any more) and that is to be removed from the storage once it is due: written
    with the row's deletion, or before the file is stored; done after the commit, swept."""

    storage_key = models.CharField(max_length=120)
    due_at = models.DateTimeField(default=timezone.now)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "due_at"], name="privacy_fileremoval_due")]

    def __str__(self) -> str:
        return str(self.pk)


class TermsAcceptance(WorkspaceModel):
    """The workspace's acceptance of the terms that a connection needs: version, member, time, address.

    Policy clauses 1b and 4-0.
    """

    document = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    accepted_by = WorkspaceForeignKey(Membership, null=True, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    accepted_at = models.DateTimeField(default=timezone.now)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "document", "version"], name="privacy_terms_once")]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


class Closure(SystemModel):
    """A workspace or a person that closes: ids, times and counts alone, so that it can outlive what it tells of."""

    class Kind(models.TextChoices):
        WORKSPACE = "workspace", "Workspace"
        PERSON = "person", "Person"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject_id = models.UUIDField()
    requested_by = models.UUIDField()
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True)  # that the end is near, by mail
    undone_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)  # kind of row -> how many were erased

    class Meta(SystemModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id"],
                condition=models.Q(undone_at__isnull=True, erased_at__isnull=True),
                name="privacy_closure_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True) | models.Q(erased_at__isnull=True),
                name="privacy_closure_one_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(undone_at__isnull=True, erased_at__isnull=True),
                name="privacy_closure_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


def new_code() -> str:
    """What a person quotes who asks about their request: unguessable."""
    return f"dr-{secrets.token_urlsafe(18)}"


class DataRequest(SystemModel):
    """A person's exercise of a right, as it came in. Whose it is stands here as a keyed hash alone, and not at all when it
    is done: the page of its state shows nothing of them."""

    class Type(models.TextChoices):
        DELETE = "delete", "Deletion"
        WITHDRAW = "withdraw", "Withdrawal"

    class Source(models.TextChoices):
        META = "meta", "Meta's callbacks"
        INSTAGRAM = "instagram", "Instagram's callbacks"

    class State(models.TextChoices):
        OPEN = "open", "Being carried out"
        DONE = "done", "Done"

    type = models.CharField(max_length=10, choices=Type.choices)
    source = models.CharField(max_length=10, choices=Source.choices)
    code = models.CharField(max_length=40, unique=True, default=new_code, editable=False)
    subject_hash = models.BinaryField(max_length=16, null=True)  # gone when it is done
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True)
    erased = models.PositiveIntegerField(default=0)  # how many logins were erased; 0: nothing was stored

    class Meta(SystemModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["type", "source", "subject_hash"], condition=models.Q(state="open"),
                name="privacy_datarequest_one_open",
            )
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(state="open"), name="privacy_datarequest_open"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
