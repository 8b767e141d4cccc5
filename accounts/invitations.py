"""Invitations into a workspace: sending, sending again, revoking, accepting.

1. The address is sealed; the token is made when the mail is written, and stands there and nowhere else.
2. A mail is sent outside any transaction, by a job without arguments: what is to be sent stands in the database.
3. How many a workspace sends a day, and how many one address gets, is limited: this is no way to send spam.
4. Accepting happens once: the row is locked, and an invitation that is over stays over.
"""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import mails
from accounts.audit import Actor, record
from accounts.members import Place, Refused, workspace_held
from accounts.models import Invitation, Membership, User, Workspace
from accounts.roles import Permission
from omnistra.core.jobs import wake
from omnistra.core.keyring import KeyMissing
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
DAY = timedelta(days=1)
MOST_TO_ONE = 3  # mails a day that a workspace sends to one address
_LONGEST_WAIT = 60  # minutes until a mail that could not be sent is tried again


class Over(Exception):
    """The invitation is no longer open; `state` says what became of it."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def invite(by: Membership, email: str, place: Place) -> Invitation:
    """Invite an address. Raises PermissionDenied, Refused."""
    with workspace_held(by) as actor:
        if Membership.objects.filter(user__email__iexact=email).exists():
            raise Refused(_("This address belongs to a member already."))
        hashed = Invitation.hash_of(actor.workspace_id, email)
        earlier = Invitation.objects.unanswered().with_sender().filter(email_hash=hashed).first()
        if earlier is not None:
            if earlier.state == "open":
                raise Refused(_("This address is invited already. Send it again from the list, or revoke it."))
            earlier.revoke()
        return _make(actor, email, place, "member.invited")


def resend(by: Membership, identity: UUID) -> Invitation:
    """The same invitation anew, with another token and seven more days; the old link stops working.

    Raises PermissionDenied, Refused, Invitation.DoesNotExist.
    """
    with workspace_held(by) as actor:
        earlier = Invitation.objects.unanswered().select_related("custom_role").get(pk=identity)
        earlier.revoke()
        place = Place(earlier.role, earlier.custom_role, earlier.channel_ids)
        return _make(actor, earlier.email, place, "invitation.resent")


def revoke(by: Membership, identity: UUID) -> None:
    """End an invitation. Raises PermissionDenied, Invitation.DoesNotExist."""
    with workspace_held(by) as actor:
        if not actor.may(Permission.MEMBERS_MANAGE):
            raise PermissionDenied(_("Your role does not include inviting. Ask an owner of the workspace."))
        invitation = Invitation.objects.unanswered().get(pk=identity)
        invitation.revoke()
        record("invitation.revoked", Actor.member(actor), invitation.pk)


def _make(actor: Membership, email: str, place: Place, action: str) -> Invitation:
    invitation = Invitation(email=email.strip().lower(), invited_by=actor)
    place.put(invitation)
    if not actor.may_give(invitation):
        raise PermissionDenied(_("This role includes more than your own. Ask an owner of the workspace."))
    invitation.email_hash = Invitation.hash_of(actor.workspace_id, email)
    invitation.expires_at = timezone.now() + Invitation.LIFETIME
    lately = Invitation.objects.filter(created_at__gt=timezone.now() - DAY)
    if lately.count() >= settings.INVITATIONS_PER_DAY:
        raise Refused(
            _("This workspace has sent %d invitations in 24 hours. Go on tomorrow.") % settings.INVITATIONS_PER_DAY
        )
    if lately.filter(email_hash=invitation.email_hash).count() >= MOST_TO_ONE:
        raise Refused(_("This address got %d invitations in 24 hours. Wait until tomorrow.") % MOST_TO_ONE)
    invitation.save(force_insert=True)
    record(action, Actor.member(actor), invitation.pk, ["role", "channel_ids"])
    transaction.on_commit(lambda: wake("accounts.send_invitations"), robust=True)
    return invitation


def accept(invitation: Invitation, user: User, addresses: Iterable[str]) -> Membership:
    """Make the person a member, once. `addresses`: those that are known to be theirs.

    Raises Over, and PermissionDenied where none of the addresses is the invited one or the account is closing.
    """
    with transaction.atomic(), workspace_scope(invitation.workspace_id):
        Workspace.hold(invitation.workspace_id)
        row = Invitation.objects.select_for_update(of=("self",)).with_sender().get(pk=invitation.pk)
        if row.state != "open":
            raise Over(row.state)
        if not any(row.is_for(address) for address in addresses):
            raise PermissionDenied(_("This invitation is for another address."))
        if User.objects.select_for_update(no_key=True).get(pk=user.pk).closing_at is not None:
            raise PermissionDenied(_("Your account is closing. Undo that first, then open the invitation again."))
        member = Membership.objects.filter(user=user).first()
        if member is None:
            member = Membership(user=user)
            Place(row.role, row.custom_role, row.channel_ids).put(member)
            member.save(force_insert=True)
        row.accepted_at, row.accepted_by = timezone.now(), member
        row.save(update_fields=["accepted_at", "accepted_by"])
        record("invitation.accepted", Actor.member(member), row.pk)
    return member


def send_due() -> int:
    """Send the mails that are due; gives how many went out."""
    sent = 0
    while claimed := _claim():
        sent += _send(*claimed)
    return sent


def _claim() -> tuple[Invitation, str] | None:
    """One invitation that is due, with a new token. Were this process to die now, the next run would try again."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic(), system_scope("accounts.send_invitations"):
        rows = Invitation.objects.due().with_sender().select_related("workspace")
        row = rows.select_for_update(skip_locked=True, of=("self",)).order_by("next_attempt_at").first()
        if row is None:
            return None
        row.attempts += 1
        row.next_attempt_at = timezone.now() + timedelta(minutes=min(2**row.attempts, _LONGEST_WAIT))
        row.token_hash = Invitation.hash_token(token)
        row.save(update_fields=["attempts", "next_attempt_at", "token_hash"])
    return row, token


def _send(row: Invitation, token: str) -> bool:
    """Write the mail of a claimed invitation. A void one is passed over; it expires like any other."""
    if row.state != "open":
        return False
    try:
        mails.send(
            row.email,
            "invitation",
            {
                "workspace": mails.tame(row.workspace.name),
                "sender": mails.tame(row.invited_by.user.name),
                "role": mails.tame(str(row.role_name)),
                "until": row.expires_at,
                "url": settings.BASE_URL + reverse("invitation", args=[token]),
            },
        )
    except (OSError, KeyMissing) as error:
        log.warning("invitation.not_sent", invitation=row.pk, attempts=row.attempts, error=type(error).__name__)
        return False
    with transaction.atomic(), system_scope("accounts.send_invitations"):
        Invitation.objects.filter(pk=row.pk).update(sent_at=timezone.now())
    return True


def forget_old() -> int:
    """Delete invitations a month after they ended, the address with them; gives how many."""
    with transaction.atomic(), system_scope("accounts.forget_invitations"):
        return int(Invitation.objects.filter(expires_at__lt=timezone.now() - Invitation.KEPT).delete()[0])
