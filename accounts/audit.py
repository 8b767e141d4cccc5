"""The record of who did what. Ids and field names only: never a name, a number or a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts.models import AuditEntry, Membership
from omnistra.core.tenancy import system_scope, workspace_scope


@dataclass(frozen=True, slots=True)
class Actor:
    """Who instructs: a member, an API key, or the system itself (policy clause 1b)."""

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
    """Write one entry of the workspace in force, in the transaction of the change that it records."""
    return AuditEntry.objects.create(
        action=action, actor_kind=actor.kind, actor_id=actor.id, target_id=target_id, fields=list(fields)
    )


def erase_workspace(workspace_id: UUID) -> int:
    """Delete the workspace's entries, because it is erased. In its scope and the transaction of its end."""
    return int(AuditEntry.objects.filter(workspace_id=workspace_id).delete()[0])


def record_of_person(action: str, user_id: UUID, fields: Sequence[str] = ()) -> None:
    """Write one entry about a person (sign-in, second factor, session) into each workspace that the person is in."""
    with transaction.atomic():
        with system_scope("accounts.audit_of_person"):
            members = list(Membership.objects.filter(user_id=user_id).order_by("workspace_id"))
        for member in members:
            with workspace_scope(member.workspace_id):
                record(action, Actor.member(member), member.pk, fields)
