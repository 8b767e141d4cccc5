"""A workspace's own roles: making, changing and deleting them. Nobody puts into a role, or changes in one, what they
lack themselves."""

from collections.abc import Iterable
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import Actor, record
from accounts.members import Refused, workspace_held
from accounts.models import CustomRole, Invitation, Membership
from accounts.roles import Permission, Role, with_needed

MOST = 50  # roles of a workspace


def create(by: Membership, name: str, permissions: Iterable[Permission]) -> CustomRole:
    """A new role. Raises PermissionDenied, Refused."""
    with workspace_held(by) as actor:
        wanted = with_needed(permissions)
        _must_have(actor, wanted)
        _name_is_free(name)
        if CustomRole.objects.count() >= MOST:
            raise Refused(_("A workspace has at most %d roles of its own. Delete one first.") % MOST)
        role = CustomRole.objects.create(name=name, permissions=sorted(map(str, wanted)))
        record("role.created", Actor.member(actor), role.pk, ["name", "permissions"])
    return role


def change(by: Membership, identity: UUID, name: str, permissions: Iterable[Permission]) -> CustomRole:
    """Another name or other permissions, for everybody who has the role, at once.

    Raises PermissionDenied, Refused, CustomRole.DoesNotExist.
    """
    with workspace_held(by) as actor:
        role = CustomRole.objects.get(pk=identity)
        wanted = with_needed(permissions)
        _must_have(actor, wanted | role.allowed)
        _name_is_free(name, role)
        if changed := role.rewrite(name, wanted):
            record("role.changed", Actor.member(actor), role.pk, changed)
    return role


def delete(by: Membership, identity: UUID) -> None:
    """Delete a role that nobody has and no open invitation promises.

    Raises PermissionDenied, Refused, CustomRole.DoesNotExist.
    """
    with workspace_held(by) as actor:
        role = CustomRole.objects.get(pk=identity)
        _must_have(actor, role.allowed)
        members = Membership.objects.filter(custom_role=role).count()
        invited = Invitation.objects.unanswered().filter(custom_role=role).count()
        if members or invited:
            raise Refused(
                ngettext(
                    "%(members)d member has this role, %(invited)d invited. Give them another one first.",
                    "%(members)d members have this role, %(invited)d invited. Give them another one first.",
                    members,
                )
                % {"members": members, "invited": invited}
            )
        # Those who have gone and invitations that are over keep their rows; what they had is history.
        for rows in (Membership.ever.all(), Invitation.objects.all()):
            rows.filter(custom_role=role).update(custom_role=None, role=Role.VIEWER)
        role.delete()
        record("role.deleted", Actor.member(actor), identity)


def _must_have(actor: Membership, permissions: Iterable[Permission]) -> None:
    if not (actor.may(Permission.ROLES_MANAGE) and actor.covers(permissions)):
        raise PermissionDenied(_("This role includes more than your own. Ask an owner of the workspace."))


def _name_is_free(name: str, role: CustomRole | None = None) -> None:
    others = CustomRole.objects.exclude(pk=role.pk) if role else CustomRole.objects.all()
    same = others.annotate(lower=Lower("name")).filter(lower=Lower(Value(name)))
    if name.lower() in {str(each.label).lower() for each in Role} or same.exists():
        raise Refused(_("There is a role of this name already."))
