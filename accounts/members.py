"""Changes among the members of a workspace.

1. Each change locks the workspace's row first and looks again at who acts and who is meant, so that two changes at the
   same time follow one another.
2. Nobody gives, changes or takes away a role with a permission that they lack themselves.
3. A workspace keeps an owner, one whose account is not closing. Here it is said in words; that there is one at all the
   database holds too (migration 0006).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import registry
from accounts.audit import Actor, record
from accounts.models import CustomRole, Membership, Workspace
from accounts.models.workspaces import RoleHolder
from accounts.roles import Permission, Role
from omnistra.core import live
from omnistra.core.tenancy import workspace_scope


class Refused(Exception):
    """It is not possible now; the reason says why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """A role and channels (None: all) to be given to somebody."""

    role: str
    custom_role: CustomRole | None = None
    channel_ids: list[UUID] | None = None

    def put(self, holder: RoleHolder) -> list[str]:
        """Give it to a member or an invitation, unsaved; gives the names of the fields that changed. The role is looked
        up again: it may have grown, or gone, since the form was shown. Raises Refused."""
        role = self.custom_role
        if role is not None:
            role = CustomRole.objects.filter(pk=role.pk).first()
            if role is None:
                raise Refused(_("This role was deleted meanwhile. Choose another one."))
        channel_ids = None if self.role == Role.OWNER else self.channel_ids  # owners reach everything
        values = {"role": self.role, "custom_role": role, "channel_ids": channel_ids}
        changed = [name for name, value in values.items() if getattr(holder, name) != value]
        for name, value in values.items():
            setattr(holder, name, value)
        return changed


@contextmanager
def workspace_held(by: Membership) -> Iterator[Membership]:
    """A transaction in which the members and roles of the workspace stand still; gives who acts, as they are now.

    Raises PermissionDenied for one who was removed meanwhile.
    """
    with transaction.atomic(), workspace_scope(by.workspace_id):
        Workspace.hold(by.workspace_id)
        actor = Membership.objects.select_related("user", "custom_role").filter(pk=by.pk).first()
        if actor is None:
            raise PermissionDenied(_("You are no longer in this workspace."))
        yield actor


def find(identity: UUID) -> Membership:
    """A member of the workspace in force. Raises Membership.DoesNotExist."""
    return Membership.objects.select_related("user", "custom_role").get(pk=identity)


def change(by: Membership, identity: UUID, place: Place) -> Membership:
    """Give a member another role or other channels. Raises PermissionDenied, Refused, Membership.DoesNotExist."""
    with workspace_held(by) as actor:
        member = find(identity)
        _must_reach(actor, member)
        owned = member.role == Role.OWNER
        changed = place.put(member)
        if not actor.may_give(member):
            raise PermissionDenied(_("This role includes more than your own. Ask an owner of the workspace."))
        if owned and member.role != Role.OWNER:
            _another_owner_than(member)
        if not owned and member.role == Role.OWNER:
            _must_stay(member)
        if changed:
            member.save(update_fields=changed)
            registry.hand_over_work_of(member)
            channels_only = changed == ["channel_ids"]
            action = "member.channels_changed" if channels_only else "member.role_changed"
            record(action, Actor.member(actor), member.pk, changed)
            live.turn_out(member.pk)  # the open pages ask anew, under the new role
    return member


def remove(by: Membership, identity: UUID) -> Membership:
    """Take a member out: their next request finds no such workspace, their conversations are nobody's.

    Raises PermissionDenied, Refused, Membership.DoesNotExist.
    """
    with workspace_held(by) as actor:
        member = find(identity)
        _must_reach(actor, member)
        _go(member)
        record("member.removed", Actor.member(actor), member.pk)
    return member


def leave(by: Membership) -> None:
    """Go by oneself. Raises Refused for the last owner."""
    with workspace_held(by) as actor:
        _go(actor)
        record("member.left", Actor.member(actor), actor.pk)


def transfer(by: Membership, identity: UUID) -> Membership:
    """Make another member the owner; who hands over stays as an admin.

    Raises PermissionDenied, Refused, Membership.DoesNotExist.
    """
    with workspace_held(by) as actor:
        if not actor.may(Permission.WORKSPACE_TRANSFER):
            raise PermissionDenied(_("Only an owner hands the workspace over."))
        heir = find(identity)
        if heir.pk == actor.pk:
            raise Refused(_("Choose somebody else than yourself."))
        _must_stay(heir)
        for member, place in ((heir, Place(Role.OWNER)), (actor, Place(Role.ADMIN))):
            place.put(member)
            member.save(update_fields=["role", "custom_role", "channel_ids"])
            live.turn_out(member.pk)
        record("ownership.transferred", Actor.member(actor), heir.pk, ["role"])
    return heir


def _must_reach(actor: Membership, member: Membership) -> None:
    if not actor.may_give(member):
        raise PermissionDenied(_("This member’s role includes more than your own. Ask an owner of the workspace."))


def _must_stay(heir: Membership) -> None:
    if heir.user.closing_at is not None:
        raise Refused(_("This person is closing their account. Make somebody else the owner."))


def _another_owner_than(member: Membership) -> None:
    staying = Membership.objects.filter(role=Role.OWNER, user__closing_at__isnull=True)
    if not staying.exclude(pk=member.pk).exists():
        raise Refused(_("A workspace needs an owner. Make somebody else an owner first."))


def _go(member: Membership) -> None:
    if member.role == Role.OWNER:
        _another_owner_than(member)
    member.removed_at = timezone.now()
    member.save(update_fields=["removed_at"])
    registry.hand_over_work_of(member)
    live.turn_out(member.pk)
