"""Closing one's own account: fourteen days to undo it, then the person is erased (policy clause 10a).

1. While it is closing the person can do nothing but undo it or take their data along (accounts.access).
2. Who is the only owner of a workspace hands it over or closes it first: none is left behind without one. Owners whose
   accounts are closing don't count.
3. What stays is an id without a name, so that a workspace's record of what was done still points to somebody.
4. Erasing runs in any number of steps: a kill loses nothing, and what is done is not done again.
"""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import members
from accounts.audit import record_of_person
from accounts.models import Invitation, Membership, User, Workspace
from accounts.roles import Role
from omnistra.core import keyring, live
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import closure, closure_mails
from privacy.closure import NotPossible as NotPossible  # what the pages of this room catch
from privacy.models import Closure

log = get_logger(__name__)
# Rows that point to a person and stay, with the reason. They hold the person's id and nothing else of them.
KEPT = {
    "accounts.Membership": "names by its id who did what in a workspace's record",
    "accounts.ApiKey": "the key is the workspace's",
    "accounts.AccessGrant": "the workspace's record of what an operator asked for",
    "accounts.OperatorAction": "the installation's record of what operators did",
    "admin.LogEntry": "the installation's record of what operators did",
}


def owned_alone(user: User) -> list[Workspace]:
    """The workspaces that would be left without an owner; those that are closing themselves don't count."""
    mine = [each for each in Membership.of_user(user) if each.role == Role.OWNER and each.workspace.closing_at is None]
    with transaction.atomic(), system_scope("privacy.owned_alone"):
        shared = set(
            Membership.objects.filter(
                workspace_id__in=[each.workspace_id for each in mine], role=Role.OWNER, user__closing_at__isnull=True
            )
            .exclude(user=user)
            .values_list("workspace_id", flat=True)
        )
    return [each.workspace for each in mine if each.workspace_id not in shared]


def close(user: User) -> datetime:
    """Begin to close an account; gives when it will be erased. Raises NotPossible."""
    with transaction.atomic():
        mine = Membership.of_user(user)
        for workspace_id in sorted(each.workspace.pk for each in mine):
            with workspace_scope(workspace_id):  # nobody becomes or stops being an owner meanwhile
                Workspace.hold(workspace_id)
        locked = _lock(user)
        if locked.closing_at is not None:
            raise NotPossible(_("Your account is closing already."))
        if owned_alone(locked):
            raise NotPossible(
                _("You are the only owner of a workspace. Hand it over or close it first. Nothing was closed.")
            )
        due: datetime = timezone.now() + closure.UNDO
        locked.set_closing(due)
        with system_scope("privacy.close_account"):
            Closure.objects.create(kind=Closure.Kind.PERSON, subject_id=user.pk, requested_by=user.pk, due_at=due)
        record_of_person("account.closed", user.pk)
        for member in mine:
            live.turn_out(member.pk)
        closure_mails.account_closing(locked, due)
    return due


def keep(user: User) -> None:
    """Undo the closing. Raises NotPossible."""
    with transaction.atomic():
        locked = _lock(user)
        if locked.closing_at is None:
            raise NotPossible(_("Your account is not closing."))
        if locked.closing_at <= timezone.now():
            raise NotPossible(_("The fourteen days are over: your account is being erased."))
        locked.set_closing(None)
        closure.undo(Closure.Kind.PERSON, user.pk)
        record_of_person("account.reopened", user.pk)
        closure_mails.account_kept(locked)


def erase(record: Closure) -> bool:
    """Erase a person; False when a workspace would be left without an owner (the next run tries again: such a workspace
    is closing itself, and goes first)."""
    user = User.objects.get(pk=record.subject_id)
    for member in Membership.of_user(user):
        try:
            members.leave(member)
        except members.Refused:
            log.warning("closure.owner_left", closure=record.pk)
            return False
    with transaction.atomic(), system_scope("privacy.erase_person"):
        user = _lock(user)
        counts = {"people": 1, "invitations": _erase_invitations(user)}
        for model, name in rows_of_people():
            if model._meta.label not in KEPT:
                number = model._base_manager.filter(**{name: user}).delete()[0]
                counts[str(model._meta.verbose_name_plural)] = number
        closure_mails.account_erased(user)
        user.become_nobody()
        keyring.destroy_person_key(user.pk)  # before the commit: what it left would be unreadable
        closure.add(record, counts, done=True)
    return True


def rows_of_people() -> list[tuple[type[models.Model], str]]:
    """Every model with a reference to a person, and the name of that reference."""
    found = []
    for relation in User._meta.get_fields(include_hidden=True):
        model: Any = getattr(relation, "related_model", None)
        field: Any = getattr(relation, "field", None)
        if isinstance(relation, models.ManyToOneRel) and model is not None and not model._meta.auto_created:
            found.append((model, field.name))
    return found


def _lock(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _erase_invitations(user: User) -> int:
    """Those that the person accepted hold their address, and so do those that still wait in their workspaces."""
    gone = 0
    for member in Membership.ever.filter(user=user):
        addressed = models.Q(email_hash=Invitation.hash_of(member.workspace_id, user.email))
        rows = Invitation.objects.filter(addressed | models.Q(accepted_by=member), workspace_id=member.workspace_id)
        gone += rows.delete()[0]
    return gone
