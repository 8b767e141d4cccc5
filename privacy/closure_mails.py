"""What people are told by mail when something closes: the person about their account, the owners about a workspace.

Plain text, short, sent outside transactions: a person's own once theirs has committed, the others by jobs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts import mails
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy.models import Closure

log = get_logger(__name__)
NOTICE = timedelta(days=3)  # before the end
_AT_ONCE = 200  # endings announced in one run; the next one takes the rest


def account_closing(user: User, due: datetime) -> None:
    _once_committed(user.email, "account_closing", _about_account(user, due))


def account_kept(user: User) -> None:
    _once_committed(user.email, "account_kept", _about_account(user))


def account_erased(user: User) -> None:
    """The last mail to this address. There is no second try: after the commit nobody knows it any more."""
    _once_committed(user.email, "account_erased", _about_account(user))


def tell_owners(workspace_id: UUID, template: str, by: UUID | None = None, due: datetime | None = None) -> int:
    """Mail each owner of a workspace; gives how many mails went out. Outside any transaction."""
    with workspace_scope(workspace_id), transaction.atomic():
        workspace = Workspace.objects.get(pk=workspace_id)
        actor = Membership.ever.filter(pk=by).select_related("user").first()
        owners = Membership.objects.filter(role=Role.OWNER, user__is_active=True).select_related("user")
        addresses = [each.user.email for each in owners.order_by("pk")]
    context = {
        "workspace": mails.tame(workspace.name),
        "by": mails.tame(actor.user.name) if actor else "",
        "due": _moment(due),
        "url": settings.BASE_URL + reverse("accounts:general", args=[workspace.slug]),
    }
    return sum(_sent(address, template, context) for address in addresses)  # one each: nobody learns who else gets it


def announce_endings() -> int:
    """Mail those concerned three days before something is erased. An ending is marked after its mails have gone: a run
    that breaks off in between says it twice rather than never."""
    now = timezone.now()
    with transaction.atomic(), system_scope("privacy.announce_endings"):
        waiting = Closure.objects.filter(
            undone_at__isnull=True, erased_at__isnull=True, announced_at__isnull=True, due_at__gt=now,
            due_at__lte=now + NOTICE,
        )  # fmt: skip
        ending = list(waiting.order_by("due_at")[:_AT_ONCE])
    told = [record.pk for record in ending if _announce(record)]
    with transaction.atomic(), system_scope("privacy.announce_endings"):
        Closure.objects.filter(pk__in=told).update(announced_at=now)
    return len(told)


def _announce(record: Closure) -> bool:
    """False when no mail could be sent: then the next run tries again."""
    if record.kind == Closure.Kind.WORKSPACE:
        return tell_owners(record.subject_id, "workspace_ending", due=record.due_at) > 0
    user = User.objects.get(pk=record.subject_id)
    return _sent(user.email, "account_ending", _about_account(user, record.due_at))


def _about_account(user: User, due: datetime | None = None) -> dict[str, Any]:
    address = settings.BASE_URL + reverse("account_data")
    return {"name": mails.tame(user.name), "due": _moment(due), "days": NOTICE.days, "url": address}


def _moment(due: datetime | None) -> str:
    return f"{date_format(due.astimezone(UTC), 'j F Y, H:i')} UTC" if due else ""


def _once_committed(address: str, template: str, context: dict[str, Any]) -> None:
    transaction.on_commit(lambda: _sent(address, template, context), robust=True)


def _sent(address: str, template: str, context: dict[str, Any]) -> bool:
    try:
        mails.send(address, template, context)
    except OSError as error:  # smtplib's errors are
        log.warning("closure.not_mailed", mail=template, error=type(error).__name__)
        return False
    return True
