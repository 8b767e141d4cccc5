"""Opening another workspace, for somebody who has an account."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.forms.signup import free_slug
from accounts.members import Refused
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from omnistra.core.tenancy import workspace_scope

MOST_A_DAY = 5  # workspaces that one person opens


def open_workspace(name: str, owner: User) -> Workspace:
    """A new workspace of the person's. Raises Refused."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # one after the other, or the limit is none
        since = timezone.now() - timedelta(days=1)
        opened = [
            each for each in Membership.of_user(owner) if each.role == Role.OWNER and each.workspace.created_at > since
        ]
        if len(opened) >= MOST_A_DAY:
            raise Refused(_("You opened %d workspaces in 24 hours. Go on tomorrow.") % MOST_A_DAY)
        try:
            with transaction.atomic():
                workspace = Workspace.open(name, free_slug(name), owner)
        except IntegrityError:  # the address was taken in this very moment
            raise Refused(_("That did not work. Try again.")) from None
        with workspace_scope(workspace.pk):
            member = Membership.objects.get(user=owner)
            record("workspace.opened", Actor.member(member), workspace.pk)
    return workspace
