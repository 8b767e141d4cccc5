"""What operators may do to a workspace and its people: always with a reason, always on record.

1. Reading needs a grant of the workspace (AccessGrant); omnistra.core.reading holds it below the views.
2. A person never decides on their own request.
3. Suspending stops members, keys and the outbox; what customers write is still taken in: nothing is lost.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.models import AccessGrant, AccessRead, Membership, OperatorAction, User, Workspace
from omnistra.core.bulk import insert_new
from omnistra.core.tenancy import system_scope, workspace_scope


class NotPossible(Exception):
    """The step is not possible now; the text says why."""


def ask(operator: User, workspace_id: UUID, conversation_id: UUID, reason: str, hours: int) -> AccessGrant:
    """Ask a workspace for access to one conversation. Its owners and privacy officers are told by mail."""
    from accounts import jobs

    with transaction.atomic(), workspace_scope(workspace_id):
        grant = AccessGrant.objects.create(
            operator=operator, conversation_id=conversation_id, reason=reason, hours=hours
        )
        audit.record("operator.access_requested", Actor.operator(operator.pk), conversation_id)
        jobs.tell_of_access_request.enqueue(workspace_id, grant.pk)
    return grant  # type: ignore[no-any-return]


def _locked(grant_id: UUID) -> AccessGrant:
    return AccessGrant.objects.select_for_update(of=("self",)).get(pk=grant_id)  # type: ignore[no-any-return]


def approve(grant_id: UUID, by: Membership, hours: int) -> None:
    """A member lets the operator read. In the workspace's scope. Raises NotPossible, AccessGrant.DoesNotExist."""
    with transaction.atomic():
        grant = _locked(grant_id)
        if grant.state != AccessGrant.State.REQUESTED:
            raise NotPossible("This request was decided already.")
        if grant.operator_id == by.user_id:
            raise NotPossible("You asked for this yourself: somebody else has to decide.")
        if not 1 <= hours <= AccessGrant.MAX_HOURS:
            raise NotPossible(f"Choose between 1 and {AccessGrant.MAX_HOURS} hours.")
        grant.approve(by, hours)
        audit.record("operator.access_approved", Actor.member(by), grant.conversation_id)


def refuse(grant_id: UUID, by: Membership) -> None:
    """A member says no. In the workspace's scope. Raises NotPossible, AccessGrant.DoesNotExist."""
    with transaction.atomic():
        grant = _locked(grant_id)
        if grant.state != AccessGrant.State.REQUESTED:
            raise NotPossible("This request was decided already.")
        grant.refuse(by)
        audit.record("operator.access_refused", Actor.member(by), grant.conversation_id)


def end(grant_id: UUID, by: Actor) -> None:
    """Either side ends it at once. In the workspace's scope. Raises NotPossible, AccessGrant.DoesNotExist."""
    with transaction.atomic():
        grant = _locked(grant_id)
        if grant.state not in (AccessGrant.State.REQUESTED, AccessGrant.State.APPROVED):
            raise NotPossible("This access is over already.")
        grant.end()
        audit.record("operator.access_ended", by, grant.conversation_id)


def note_reads(grant: AccessGrant, message_ids: Sequence[UUID]) -> None:
    """Keep which messages were read under a grant. In the workspace's scope and the transaction of the reading."""
    insert_new(
        [AccessRead(workspace_id=grant.workspace_id, grant_id=grant.pk, message_id=each) for each in message_ids]
    )
    audit.record("operator.conversation_read", Actor.operator(grant.operator_id), grant.conversation_id)


def suspend(workspace: Workspace, operator: User, reason: str) -> None:
    """Members and keys are shut out and nothing is sent, until it is resumed."""
    _switch(workspace, operator, reason, OperatorAction.Action.SUSPENDED)


def resume(workspace: Workspace, operator: User, reason: str) -> None:
    """As before the suspension."""
    _switch(workspace, operator, reason, OperatorAction.Action.RESUMED)


def _switch(workspace: Workspace, operator: User, reason: str, action: OperatorAction.Action) -> None:
    suspending = action == OperatorAction.Action.SUSPENDED
    with transaction.atomic():
        locked = Workspace.objects.select_for_update().get(pk=workspace.pk)
        if (locked.suspended_at is not None) == suspending:
            raise NotPossible("This is so already.")
        locked.suspended_at = timezone.now() if suspending else None
        locked.save(update_fields=["suspended_at"])
        _note(operator, action, reason, workspace_id=locked.pk)
        with workspace_scope(locked.pk):
            audit.record(action, Actor.operator(operator.pk), locked.pk)


def on_person(
    person: User, operator: User, reason: str, action: OperatorAction.Action, do: Callable[[], object]
) -> None:
    """Carry out `do` on a person and keep the reason; each of the person's workspaces sees it in its audit log."""
    with transaction.atomic():
        do()
        _note(operator, action, reason, user_id=person.pk)
        with system_scope("accounts.operator_action"):
            members = list(Membership.objects.filter(user=person).order_by("workspace_id"))
        for member in members:
            with workspace_scope(member.workspace_id):
                audit.record(action, Actor.operator(operator.pk), member.pk)


def _note(
    operator: User, action: OperatorAction.Action, reason: str, *, workspace_id: UUID | None = None,
    user_id: UUID | None = None,
) -> None:  # fmt: skip
    with system_scope("accounts.operator_action"):
        OperatorAction.objects.create(
            operator=operator, action=action, reason=reason, target_workspace_id=workspace_id, target_user_id=user_id
        )


def with_reads(grants: QuerySet[AccessGrant]) -> list[tuple[AccessGrant, int]]:
    """Grants with the number of messages read under each, in the order given. In the workspace's scope."""
    from django.db.models import Count

    found = list(grants.select_related("operator", "decided_by__user"))
    counts = dict(
        AccessRead.objects.filter(grant__in=found)
        .values_list("grant_id")
        .annotate(number=Count("id"))
        .values_list("grant_id", "number")
    )
    return [(grant, counts.get(grant.pk, 0)) for grant in found]
