"""The record of who did what: AuditEntry; the chain that makes it provable: AuditChain, AuditHead."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast
from django.db.models.lookups import Regex
from django.utils import timezone

from omnistra.core.tenancy import WorkspaceModel

_CHAINED = models.Q(number__isnull=False)


class AuditEntry(WorkspaceModel):
    """Who did what to which row, when: ids and field names, never personal text (the database checks their form).

    `number`, `hash` and the final `at` are given by the database when the transaction commits (docs/adr/0009); until
    then, and only inside that transaction, number and hash are null. Nobody can change or delete an entry.
    """

    class Actor(models.TextChoices):
        MEMBER = "member"
        API_KEY = "api_key"
        OPERATOR = "operator"
        SYSTEM = "system"

    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10, choices=Actor.choices)
    actor_id = models.UUIDField(null=True)  # of the membership, the key, or the operator's user
    target_id = models.UUIDField(null=True)
    fields = ArrayField(models.CharField(max_length=60), default=list)
    at = models.DateTimeField(default=timezone.now, editable=False)
    number = models.BigIntegerField(null=True, editable=False)  # 1, 2, 3 … without a gap in each workspace
    hash = models.BinaryField(max_length=32, null=True, editable=False)  # SHA-256 (audit.chain.link)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "number"], condition=_CHAINED, name="accounts_audit_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(action__regex=r"^[a-z_]+\.[a-z_]+$"), name="accounts_audit_action_form"
            ),
            models.CheckConstraint(
                condition=Regex(
                    Cast("fields", models.TextField()), models.Value(r"^\{([a-z_]{1,60}(,[a-z_]{1,60})*)?\}$")
                ),
                name="accounts_audit_fields_form",
            ),
            models.CheckConstraint(
                condition=models.Q(actor_kind="system", actor_id__isnull=True)
                | models.Q(actor_kind__in=["member", "api_key", "operator"], actor_id__isnull=False),
                name="accounts_audit_actor_form",
            ),
            models.CheckConstraint(
                condition=models.Q(number__isnull=True, hash__isnull=True) | models.Q(number__gt=0, hash__isnull=False),
                name="accounts_audit_chained_whole",
            ),
        ]
        # Entries enter these when they are chained, so that the chaining update writes each of them once.
        indexes = [
            models.Index(fields=["workspace", "at"], condition=_CHAINED, name="accounts_audit_time"),
            models.Index(fields=["workspace", "target_id", "number"], condition=_CHAINED, name="accounts_audit_target"),
            models.Index(fields=["workspace", "actor_id", "number"], condition=_CHAINED, name="accounts_audit_actor"),
            models.Index(fields=["workspace", "action", "number"], condition=_CHAINED, name="accounts_audit_action"),
        ]

    def __str__(self) -> str:
        return self.action


class AuditChain(WorkspaceModel):
    """The end of a workspace's chain, and the last entry that retention removed, on which the rest hangs. Written by
    the database alone (migration 0005)."""

    GENESIS: ClassVar[bytes] = bytes(32)  # the hash before the first entry

    number = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    removed_number = models.BigIntegerField(default=0)
    removed_hash = models.BinaryField(max_length=32)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace"], name="accounts_auditchain_once")]

    def __str__(self) -> str:
        return str(self.pk)


class AuditHead(WorkspaceModel):
    """What a verification found: the chain was whole up to `number`, whose hash was `hash`. A later chain with another
    hash there has been recomputed. Append-only."""

    number = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    broken_number = models.BigIntegerField(null=True)  # the first entry that is not as it was; null: the chain is whole
    day = models.DateField(null=True)  # the daily one; null: a member asked
    at = models.DateTimeField(default=timezone.now)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "day"], name="accounts_audithead_daily")]
        indexes = [models.Index(fields=["workspace", "-at"], name="accounts_audithead_list")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def words(self) -> str:
        """Number and hash as people keep them: "123:ab12…"."""
        return f"{self.number}:{bytes(self.hash).hex()}"
