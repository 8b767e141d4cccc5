"""Background jobs of people and workspaces."""

from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import invitations, mails
from accounts.audit import chain, daily, record_of_person
from accounts.models import (
    AccessGrant,
    AccessRead,
    ApiKey,
    IdempotentAnswer,
    Membership,
    OperatorAction,
    Tally,
    UserSession,
)
from accounts.roles import Permission
from omnistra.core.jobs import periodic_job, workspace_job
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import current_workspace_id, system_scope

log = get_logger(__name__)
KEEP_ANSWERS = timedelta(days=1)
KEEP_OVERSIGHT = timedelta(days=396)  # 13 months, as the audit log
_AT_ONCE = 200  # keys announced in one run; the next one takes the rest


@workspace_job("accounts.tell_of_access_request")
def tell_of_access_request(grant_id: object) -> int:
    """Mail those who may decide that an operator asks to read a conversation. The mail names no customer and no text."""
    with transaction.atomic():
        grant = AccessGrant.objects.filter(pk=grant_id, state=AccessGrant.State.REQUESTED).first()
        if grant is None:
            return 0
        members = Membership.objects.select_related("user", "workspace").filter(workspace_id=current_workspace_id())
        told = [member for member in members if member.may(Permission.OPERATOR_ACCESS_DECIDE)]
    for member in told:
        address = settings.BASE_URL + reverse("accounts:operator_access", args=[member.workspace.slug])
        words = {"name": member.user.name, "workspace": member.workspace.name, "address": address}
        subject = render_to_string("accounts/email/access_request_subject.txt", words).strip()
        send_mail(subject, render_to_string("accounts/email/access_request.txt", words), None, [member.user.email])
    return len(told)


@workspace_job("accounts.verify_audit")
def verify_audit() -> int:
    """Verify a chain that is too long to be walked while somebody waits."""
    return int(chain.take_head(current_workspace_id()).number)


@periodic_job("accounts.audit_day", exclusive_seconds=3600)
def audit_day() -> int:
    """The day's end of every workspace's audit log; hourly, so that a day on which beat slept is made up for."""
    return daily.run()


@periodic_job("accounts.forget", exclusive_seconds=600)
def forget() -> int:
    """Delete what has had its time: answers kept for repeats, sessions, tallies and confirmations that ran out, old
    oversight."""
    now = timezone.now()
    with transaction.atomic():
        deleted = UserSession.objects.filter(expires_at__lt=now).delete()[0] + Tally.forget_expired()
        EmailConfirmation.objects.delete_expired_confirmations()
    with transaction.atomic(), system_scope("accounts.forget"):
        deleted += IdempotentAnswer.objects.filter(created_at__lt=now - KEEP_ANSWERS).delete()[0]
        old = AccessGrant.objects.filter(requested_at__lt=now - KEEP_OVERSIGHT)
        deleted += AccessRead.objects.filter(grant__in=old.values("pk")).delete()[0]
        deleted += old.delete()[0]
        deleted += OperatorAction.objects.filter(at__lt=now - KEEP_OVERSIGHT).delete()[0]
        deleted += LogEntry.objects.filter(action_time__lt=now - KEEP_OVERSIGHT).delete()[0]
    return deleted


@periodic_job("accounts.send_invitations")
def send_invitations() -> int:
    """Mail the invitations that wait for it."""
    return invitations.send_due()


@periodic_job("accounts.forget_invitations", exclusive_seconds=600)
def forget_invitations() -> int:
    """Delete those that ended a month ago."""
    return invitations.forget_old()


@workspace_job("accounts.tell_of_transfer")
def tell_of_transfer(*membership_ids: UUID) -> int:
    """Mail those between whom a workspace changed hands. Running it again mails again: better twice than never."""
    with transaction.atomic():
        people = list(Membership.ever.filter(pk__in=membership_ids).select_related("user", "workspace"))
    for each in people:
        others = [mails.tame(other.user.name) for other in people if other.pk != each.pk]
        context = {
            "workspace": mails.tame(each.workspace.name),
            "is_owner": each.role == "owner",
            "other": ", ".join(others),
            "url": settings.BASE_URL + reverse("accounts:members", args=[each.workspace.slug]),
        }
        mails.send(each.user.email, "transfer", context)
    return len(people)


@periodic_job("accounts.announce_ending_keys", exclusive_seconds=600)
def announce_ending_keys() -> int:
    """Mail those who manage a workspace's API keys before one ends. A key is marked after its mails have gone: a run that
    breaks off in between says it twice rather than never."""
    now = timezone.now()
    with transaction.atomic(), system_scope("accounts.announce_ending_keys"):
        ending = list(
            ApiKey.objects.filter(
                revoked_at__isnull=True, announced_at__isnull=True, expires_at__gt=now,
                expires_at__lte=now + ApiKey.NOTICE, workspace__suspended_at__isnull=True,
                workspace__closing_at__isnull=True,
            )
            .select_related("workspace")
            .order_by("expires_at")[:_AT_ONCE]
        )  # fmt: skip
        managers: dict[object, list[str]] = {}
        people = Membership.objects.filter(workspace_id__in={key.workspace_id for key in ending})
        for member in people.select_related("user", "custom_role"):
            if member.user.is_active and member.may(Permission.API_KEYS_MANAGE):
                managers.setdefault(member.workspace_id, []).append(member.user.email)
    told = [key.pk for key in ending if _announce(key, managers.get(key.workspace_id, []))]
    with transaction.atomic(), system_scope("accounts.announce_ending_keys"):
        ApiKey.objects.filter(pk__in=told).update(announced_at=now)
    return len(told)


def _announce(key: ApiKey, addresses: list[str]) -> bool:
    """Send the mails of a key, outside any transaction; False when none could be sent: then the next run tries again."""
    context = {
        "name": mails.tame(key.name),
        "hint": key.hint,
        "workspace": mails.tame(key.workspace.name),
        "ends": key.expires_at,
        "url": settings.BASE_URL + reverse("accounts:api_keys", args=[key.workspace.slug]),
    }
    failed = 0
    for address in addresses:  # one each: nobody learns who else gets it
        try:
            mails.send(address, "api_key_ending", context)
        except OSError as error:  # smtplib's errors are
            failed += 1
            log.warning("api_key.not_announced", api_key=key.pk, error=type(error).__name__)
    return not failed or failed < len(addresses)


@periodic_job("accounts.record_failed_sign_ins", exclusive_seconds=300)
def record_failed_sign_ins() -> int:
    """Tell the audit log of wrong passwords: one entry for each person whose password was tried since the last run,
    however often, so that nobody fills a log by guessing.

    Not in the request: an address that nobody has signed up with has no log to write to, and the time would tell.
    """
    told = 0
    for user_id in Tally.untold_people():
        with transaction.atomic():
            if Tally.told(user_id):
                record_of_person("sign_in.failed", user_id)
                told += 1
    return told
