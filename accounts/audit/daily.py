"""Once a day for every workspace: entries whose time is over go, the chain is verified, its head is kept and mailed to
the members who want it. A head that lies in a mailbox is out of reach of whoever rewrites the database.
"""

from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import OperationalError, transaction
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.audit import chain, keeping
from accounts.models import AuditHead, Membership, Workspace
from accounts.roles import Permission, Role
from omnistra.core import reports
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)


def run(today: date | None = None) -> int:
    """Do it for the workspaces in which it is not done yet today (UTC); gives how many. May be run again at any time.
    One workspace's trouble holds up no other."""
    today = today or datetime.now(UTC).date()
    with transaction.atomic(), system_scope("accounts.audit_day"):
        done = AuditHead.objects.filter(day=today).values("workspace_id")
        waiting = list(Workspace.objects.exclude(pk__in=done).order_by("pk"))
    return sum(1 for workspace in waiting if _done(workspace, today))


def _done(workspace: Workspace, today: date) -> bool:
    try:
        keeping.forget(workspace.pk)
        tell(workspace, chain.take_head(workspace.pk, today))
    except OperationalError:
        raise
    except Exception as error:
        log.error("audit.day_failed", workspace=workspace.pk, trace=frames(error))
        reports.capture(error)
        return False
    return True


def tell(workspace: Workspace, head: AuditHead) -> None:
    """Mail a head to the members who asked for it; a broken chain to every owner as well."""
    broken = head.broken_number is not None
    for address, name in _readers(workspace.pk, broken):
        words = {
            "name": name, "workspace": workspace, "slug": workspace.slug, "head": head.words,
            "number": head.number, "broken": head.broken_number,
            "address": settings.BASE_URL + reverse("accounts:audit", args=[workspace.slug]),
        }  # fmt: skip
        subject = render_to_string("accounts/email/audit_head_subject.txt", words).strip()
        try:
            send_mail(subject, render_to_string("accounts/email/audit_head.txt", words), None, [address])
        except OSError as error:  # the head is kept; tomorrow's says the same and more
            log.warning("audit.head_not_mailed", workspace=workspace.pk, error=type(error).__name__)


def _readers(workspace_id: UUID, broken: bool) -> list[tuple[str, str]]:
    with workspace_scope(workspace_id), transaction.atomic():
        members = list(Membership.objects.select_related("user", "custom_role"))
    return [
        (member.user.email, member.user.name)
        for member in members
        if (member.gets_audit_heads and member.may(Permission.AUDIT_VIEW)) or (broken and member.role == Role.OWNER)
    ]
