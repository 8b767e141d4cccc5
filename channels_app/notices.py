"""What people have to know about a channel: opened once, told by mail once, shown until it is over.

`KINDS` has the words of each: what happened and what to do. A kind that is not urgent is shown and not mailed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import mails
from accounts.models import Membership
from accounts.roles import Permission
from channels_app.models import Channel, ChannelNotice
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope

log = get_logger(__name__)
_AT_ONCE = 200  # notices mailed in one run; the next one takes the rest
KEEP_ENDED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice. `level` is danger, warning or note; `is_mailed`: the owners and admins get a mail."""

    level: str
    words: str | Promise
    next_step: str | Promise
    is_mailed: bool = True


KINDS: Mapping[str, Kind] = {
    "token_ends_30": Kind(
        "note", _("The channel's access token ends within 30 days."), _("Connect the channel again, or give it a new token.")
    ),
    "token_ends_7": Kind(
        "warning", _("The channel's access token ends within 7 days. Then nothing comes in or goes out."),
        _("Connect the channel again, or give it a new token."),
    ),
    "fields_missing": Kind(
        "warning", _("The platform does not send everything that this channel needs, and could not be asked to."),
        _("Connect the channel again and leave all rights ticked."),
    ),
    "subscribed_again": Kind(
        "warning",
        _("The platform had stopped sending this channel's messages. It was asked again and does so now; what was "
          "written meanwhile may be missing here."),
        _("Look into the platform's own app for messages of that time."),
    ),
    "silent": Kind(
        "warning",
        _("For a day the platform told of deliveries, and of no message: another app may hold your conversations."),
        _("See at the platform which app answers on this channel."),
    ),
    "quality_yellow": Kind(
        "warning", _("The platform rates the quality of this number as medium."),
        _("Write to fewer people who did not ask for it: a low rating lowers the limit."),
    ),
    "quality_red": Kind(
        "danger", _("The platform rates the quality of this number as low."),
        _("Stop campaigns until the rating rises: the platform may lower the limit or restrict the number."),
    ),
    "removed_at_platform": Kind(
        "danger",
        _("The connection was taken back at the platform. The token is deleted and nothing more is sent. The "
          "conversations stay until retention takes them."),
        _("Connect the channel again if that was not intended."),
    ),
    "login_taken_back": Kind(
        "danger",
        _("The person who connected this channel took the app's access back at the platform. The token is deleted and "
          "nothing more is sent. The conversations stay until retention takes them."),
        _("Have somebody with rights on it connect the channel again."),
    ),
    "account_disabled": Kind(
        "danger", _("The platform switched this account off."),
        _("See the reason at the platform and ask for a review there."),
    ),
    "account_disabling": Kind(
        "danger", _("The platform is going to switch this account off."),
        _("See the reason at the platform and ask for a review there."),
    ),
    "account_violation": Kind(
        "danger", _("The platform says that this account broke its rules."), _("See the details at the platform.")
    ),
    "restricted_first": Kind(
        "danger", _("The platform does not let you write first for now. You can still answer."),
        _("See the reason at the platform."),
    ),
    "restricted_replies": Kind(
        "danger", _("The platform does not let you answer for now."), _("See the reason at the platform.")
    ),
    "restricted_utility": Kind(
        "danger", _("The platform does not let you send service templates for now."), _("See the reason at the platform.")
    ),
    "restricted_numbers": Kind(
        "warning", _("The platform does not let you add numbers for now."), _("See the reason at the platform.")
    ),
    "page_warned": Kind(
        "warning", _("The platform warned this Page about its rules."), _("See the reason in the Page's support inbox.")
    ),
    "page_blocked": Kind(
        "danger", _("The platform blocked this Page for breaking its rules. Nothing is sent."),
        _("See the reason in the Page's support inbox and ask for a review there."),
    ),
    "page_unblocked": Kind(
        "note", _("The platform lifted its block of this Page."), _("Verify the channel, and it sends again.")
    ),
    "security_pin_reset": Kind(
        "danger", _("Somebody asked the platform to reset this number's PIN. It can be an attack on the number."),
        _("If it was none of you, change the PIN and look through who has access to the account at the platform."),
    ),
    "security_pin_changed": Kind(
        "danger", _("This number's PIN was changed at the platform."),
        _("If it was none of you, look through who has access to the account at the platform."),
    ),
    "alert": Kind("warning", _("The platform has a notice about this account."), _("See the details at the platform.")),
    "review": Kind(
        "note", _("The platform decided about the review of this account."), _("See the details at the platform."), False
    ),
    "name": Kind(
        "note", _("The platform decided about this number's display name."), _("See the details at the platform."), False
    ),
    "username": Kind(
        "note", _("The user name of this number changed at the platform."), _("Nothing has to be done."), False
    ),
    "payment": Kind(
        "warning", _("The platform has a notice about payment for this account."),
        _("See the payment settings at the platform."),
    ),
    "account_error": Kind(
        "warning", _("The platform reports an error of this account."), _("See the details at the platform."), False
    ),
    "history_declined": Kind(
        "note", _("The chats on the phone were not shared when the number was connected, so they are not shown here."),
        _("Nothing has to be done. To share them, connect the number again."), False,
    ),
    "token_not_renewed": Kind(
        "warning", _("The access token could not be renewed. It is tried again every day."),
        _("Connect the channel again if this lasts."), False,
    ),
}  # fmt: skip
# Which sends a restriction forbids until it ends (providers/whatsapp.md 9).
RESTRICTIONS: Mapping[str, str] = {
    "RESTRICTED_BIZ_INITIATED_MESSAGING": "restricted_first",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING": "restricted_replies",
    "RESTRICTED_UTILITY_TEMPLATES": "restricted_utility",
    "RESTRICTED_ADD_PHONE_NUMBER_ACTION": "restricted_numbers",
}


def open_notices(channel_id: UUID) -> list[ChannelNotice]:
    """What holds now, the newest first. In the workspace's scope."""
    return list(_open().filter(channel_id=channel_id).order_by("-since"))


def _open() -> Any:
    return ChannelNotice.objects.filter(Q(until__isnull=True) | Q(until__gt=timezone.now()), ended_at__isnull=True)


def note(
    channel: Channel, kind: str, *, at: datetime | None = None, until: datetime | None = None,
    facts: Mapping[str, Any] | None = None, detail: str = "",
) -> bool:  # fmt: skip
    """Open a notice; one that is open with the same facts stays but for its end, and is told once. Gives whether it is
    new. In the workspace's scope and a transaction."""
    now = timezone.now()
    ChannelNotice.objects.filter(channel=channel, kind=kind, ended_at__isnull=True, until__lte=now).update(ended_at=now)
    since = min(at, now) if at else now
    given = dict(facts or {})
    known = ChannelNotice.objects.filter(channel=channel, kind=kind, ended_at__isnull=True).first()
    if known is not None and known.facts == given:
        ChannelNotice.objects.filter(pk=known.pk).update(until=until)
        return False
    if known is not None:  # the newest one is what holds
        end(channel, [kind])
    row = ChannelNotice(
        channel=channel, kind=kind, since=since, until=until, facts=given, detail=detail[:1000] or None,
        told_at=None if KINDS[kind].is_mailed else now,
    )  # fmt: skip
    return bool(ChannelNotice.objects.bulk_create([row], ignore_conflicts=True))


def end(channel: Channel, kinds: Iterable[str]) -> int:
    """These are over; gives how many were. In the workspace's scope and a transaction."""
    rows = ChannelNotice.objects.filter(channel=channel, kind__in=list(kinds), ended_at__isnull=True)
    return int(rows.update(ended_at=timezone.now()))


def tell() -> int:
    """Mail what was not told yet to those who manage channels; gives how many notices were told.

    A notice is marked after its mails have gone: a run that breaks off says it twice rather than never.
    """
    with transaction.atomic(), system_scope("channels.tell_notices"):
        due = list(
            _open()
            .filter(told_at__isnull=True, workspace__suspended_at__isnull=True, workspace__closing_at__isnull=True)
            .select_related("channel", "workspace")
            .defer("channel__credentials")
            .order_by("since")[:_AT_ONCE]
        )
        managers: dict[object, list[Membership]] = {}
        people = Membership.objects.filter(workspace_id__in={notice.workspace_id for notice in due})
        for member in people.select_related("user", "custom_role"):
            if member.user.is_active and member.may(Permission.CHANNELS_MANAGE):
                managers.setdefault(member.workspace_id, []).append(member)
    told = [notice.pk for notice in due if _mail(notice, managers.get(notice.workspace_id, []))]
    with transaction.atomic(), system_scope("channels.tell_notices"):
        ChannelNotice.objects.filter(pk__in=told).update(told_at=timezone.now())
    return len(told)


def _mail(notice: ChannelNotice, members: Sequence[Membership]) -> bool:
    """The mails of one notice, outside any transaction; False when none could be sent: the next run tries again."""
    channel = notice.channel
    path = reverse("channels:detail", args=[notice.workspace.slug, channel.pk])
    words = {
        "channel": mails.tame(channel.name), "platform": channel.get_provider_display(), "kind": KINDS[notice.kind],
        "workspace": mails.tame(notice.workspace.name), "notice": notice, "address": settings.BASE_URL + path,
    }  # fmt: skip
    subject = render_to_string("channels/email/notice_subject.txt", words)
    body = render_to_string("channels/email/notice_message.txt", words)
    failed = 0
    for member in members:  # one each: nobody learns who else gets it
        try:
            send_mail(" ".join(subject.split()), body.strip() + "\n", None, [member.user.email])
        except OSError as error:
            failed += 1
            log.warning("channel.notice_not_mailed", notice=notice.pk, error=type(error).__name__)
    return not failed or failed < len(members)


def forget_old() -> int:
    """Delete notices that ended long ago."""
    edge = timezone.now() - KEEP_ENDED
    with transaction.atomic(), system_scope("channels.forget_notices"):
        return int(ChannelNotice.objects.filter(Q(ended_at__lt=edge) | Q(until__lt=edge)).delete()[0])
