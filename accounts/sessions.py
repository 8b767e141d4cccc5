"""Who is signed in where: begins, describes and ends sessions.

1. Ending a session deletes its row: the browser is a stranger at its next request. Open event streams of the person end
   too; those of sessions that stay connect anew.
2. A person ends their own sessions alone; an operator ends another's through accounts.operators, with a reason.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record_of_person
from accounts.models import Membership, UserSession
from accounts.session_store import row_id
from omnistra.core import live
from omnistra.core.addresses import client_address, hint
from omnistra.core.tenancy import system_scope

_LONGEST_AGENT = 512  # characters of a User-Agent that are looked at


def describe(user_agent: str) -> tuple[str, str]:
    """Browser and system in words, e.g. `Firefox 132` and `Windows 10`; empty where the browser does not say."""
    from ua_parser import parse  # its tables weigh 8 MB: only processes that sign people in load them

    found = parse(user_agent[:_LONGEST_AGENT])
    browser, system, device = found.user_agent, found.os, found.device
    name = f"{browser.family} {browser.major or ''}".strip() if browser else ""
    where = f"{system.family} {system.major or ''}".strip() if system else ""
    if device and device.family in ("iPhone", "iPad"):
        where = device.family
    return name[:40], where[:40]


def begin(request: HttpRequest) -> UserSession:
    """Write down what the session of this request is, for its owner's list. Gives the row as it will be saved."""
    browser, system = describe(request.headers.get("User-Agent", ""))
    now = timezone.now()
    request.session.about = {  # type: ignore[attr-defined]
        "browser": browser, "system": system, "address": hint(client_address(request)), "signed_in_at": now,
        "seen_at": now,
    }  # fmt: skip
    return UserSession(**request.session.about)  # type: ignore[attr-defined]


def current_id(request: HttpRequest) -> UUID:
    """The row of this request's session."""
    return row_id(request.session.session_key or "")


def _end(sessions: QuerySet[UserSession], user_id: UUID) -> int:
    with transaction.atomic():
        ended: int = sessions.delete()[0]
        if ended:
            with system_scope("accounts.sessions"):
                members = list(Membership.objects.filter(user_id=user_id).values_list("pk", flat=True))
            for member_id in members:
                live.turn_out(member_id)
    return ended


def end(user_id: UUID, session_id: UUID) -> bool:
    """End one of a person's sessions. False: there is none with this id, or it is somebody else's."""
    with transaction.atomic():
        ended = _end(UserSession.objects.open_of(user_id).filter(pk=session_id), user_id)
        if ended:
            record_of_person("session.ended", user_id)
    return bool(ended)


def end_all(user_id: UUID, but: UUID | None = None) -> int:
    """Sign a person out everywhere, at once; `but`: a session that stays. Gives how many ended. Whoever calls it says in
    the audit log why."""
    return _end(UserSession.objects.open_of(user_id).exclude(pk=but), user_id)


def end_others(user_id: UUID, here: UUID) -> int:
    """The person ends every session but the one that they ask from. Gives how many ended."""
    with transaction.atomic():
        if ended := end_all(user_id, but=here):
            record_of_person("session.ended", user_id)
    return ended
