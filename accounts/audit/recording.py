"""Writing the record of who did what. Ids and field names only: never a name, a number, an address or a text; the
database refuses anything that does not look like a code word.

1. An entry is written in the transaction of the change that it records, or of the read that it lets happen.
2. The database chains it when that transaction commits (docs/adr/0009): there is no entry outside the chain.
3. Every action has its words in `audit.actions`; a test reads the calls of this module and finds what is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEntry, Membership
from omnistra.core.ids import uuid7_of
from omnistra.core.tenancy import system_scope, workspace_scope


@dataclass(frozen=True, slots=True)
class Actor:
    """Who instructs: a member, an API key, the system itself (policy clause 1b), or an operator with a grant."""

    kind: str
    id: UUID | None

    @classmethod
    def member(cls, membership: Membership) -> "Actor":
        return cls(AuditEntry.Actor.MEMBER, membership.pk)

    @classmethod
    def api_key(cls, key_id: UUID) -> "Actor":
        return cls(AuditEntry.Actor.API_KEY, key_id)

    @classmethod
    def operator(cls, user_id: UUID) -> "Actor":
        return cls(AuditEntry.Actor.OPERATOR, user_id)


SYSTEM = Actor(AuditEntry.Actor.SYSTEM, None)


def record(action: str, actor: Actor, target_id: UUID | None = None, fields: Sequence[str] = ()) -> AuditEntry:
    """Write one entry of the workspace in force, in the transaction of the change that it records. One query."""
    return AuditEntry.objects.create(
        action=action, actor_kind=actor.kind, actor_id=actor.id, target_id=target_id, fields=list(fields)
    )


def record_of_person(action: str, user_id: UUID, fields: Sequence[str] = ()) -> None:
    """Write one entry about a person (sign-in, second factor, session) into each workspace that the person is in."""
    with transaction.atomic():
        with system_scope("accounts.audit_of_person"):
            members = list(Membership.objects.filter(user_id=user_id).order_by("workspace_id"))
        for member in members:
            with workspace_scope(member.workspace_id):
                record(action, Actor.member(member), member.pk, fields)


def record_opening(actor: Actor, conversation_id: UUID) -> None:
    """`conversation.opened`: once an hour for each reader and conversation, because a thread on the screen is asked for
    again and again. One query. The entry's id follows from reader, conversation and hour, so the primary key itself
    leaves repeats out, and a transaction that fails leaves nothing that would hide the next reading."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    opening = AuditEntry(
        id=uuid7_of(hour, f"opened|{actor.kind}|{actor.id}|{conversation_id}"),
        action="conversation.opened",
        actor_kind=actor.kind,
        actor_id=actor.id,
        target_id=conversation_id,
    )
    AuditEntry.objects.bulk_create([opening], ignore_conflicts=True)
