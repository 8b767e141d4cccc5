"""What the platform tells of a channel or its account, applied (providers/whatsapp.md 9, messenger.md 5 and 12).

1. Everything here may come twice, late and in any order; applying it again changes nothing.
2. No network: what has to be asked or mailed is left to jobs, which read what was written here.
3. An event that ends a connection deletes its credentials in the same transaction.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts import audit
from channels_app import notices
from channels_app.contract import AccountEvent
from channels_app.models import Channel, ChannelHealth, ChannelLogin
from channels_app.templates import keeping


def apply(workspace_id: UUID, pairs: Iterable[tuple[AccountEvent, Channel]]) -> int:
    """Apply events to their channels; gives how many were known (the kinds of templates are applied elsewhere). In the
    workspace's scope and a transaction."""
    known = 0
    for event, channel in pairs:
        if (act := _ACTS.get(event.kind)) is not None:
            act(event, channel)
            known += 1
    return known


def cut_off(channel: Channel, kind: str, *, at: datetime | None = None, facts: Mapping[str, Any] | None = None) -> bool:
    """The platform, or who connected the channel, ended the connection: no credentials, nothing more is sent, the owners
    are told. Gives whether it was connected. In the workspace's scope and a transaction."""
    changed = (
        Channel.objects.filter(pk=channel.pk)
        .exclude(status=Channel.Status.DISCONNECTED)
        .update(credentials=None, status=Channel.Status.DISCONNECTED, status_reason=kind)
    )
    ChannelLogin.objects.filter(channel=channel).delete()
    if not changed:
        return False
    keeping.forget(channel)
    channel.refresh_from_db(fields=["status", "status_reason", "credentials"])
    notices.note(channel, kind, at=at, facts=facts)
    audit.record("channel.cut_off", audit.SYSTEM, channel.pk)
    return True


def _removed(event: AccountEvent, channel: Channel) -> None:
    """PARTNER_REMOVED and its like. One that is older than the present connection is of the one before."""
    if event.at is not None and channel.connected_at is not None and event.at < channel.connected_at:
        return
    reason = _word(event.facts.get("reason"))
    cut_off(channel, "removed_at_platform", at=event.at, facts={"reason": reason} if reason else {})


def _disabled(event: AccountEvent, channel: Channel) -> None:
    state = _word(event.facts.get("state"))
    if state == "REINSTATE":
        notices.end(channel, ["account_disabled", "account_disabling", *notices.RESTRICTIONS.values()])
        Channel.objects.filter(pk=channel.pk).update(restrictions={})
        Channel.objects.filter(
            pk=channel.pk, status=Channel.Status.STOPPED, status_reason="restricted"
        ).update(status=Channel.Status.ACTIVE, status_reason="")  # fmt: skip
    elif state == "SCHEDULE_FOR_DISABLE":
        notices.note(channel, "account_disabling", at=event.at, detail=_text(event.facts.get("date")))
    else:
        Channel.stop(channel.pk, Channel.Status.STOPPED, "restricted")
        notices.end(channel, ["account_disabling"])
        notices.note(channel, "account_disabled", at=event.at)


def _restricted(event: AccountEvent, channel: Channel) -> None:
    """What is forbidden until when: stands at the channel, where whoever sends looks (Channel.restricted)."""
    listed = event.facts.get("restrictions")
    for each in listed if isinstance(listed, list) else []:
        kind = notices.RESTRICTIONS.get(_word(each.get("type"))) if isinstance(each, Mapping) else None
        if kind:
            until = _moment(each.get("until"))
            if until is None or until > timezone.now():
                notices.note(channel, kind, at=event.at, until=until, detail=_text(each.get("remediation")))
                Channel.restrict(channel.pk, kind, until)
    if violation := _word(event.facts.get("violation")):
        notices.note(channel, "account_violation", at=event.at, facts={"violation": violation})


def _security(event: AccountEvent, channel: Channel) -> None:
    asked = _word(event.facts.get("event")) == "PIN_RESET_REQUEST"
    if notices.note(channel, "security_pin_reset" if asked else "security_pin_changed", at=event.at):
        audit.record("channel.security_event", audit.SYSTEM, channel.pk)


def _alert(event: AccountEvent, channel: Channel) -> None:
    if _word(event.facts.get("status")) == "NONE":
        notices.end(channel, ["alert"])
    elif _word(event.facts.get("severity")) != "INFORMATIONAL":
        facts = {"type": _word(event.facts.get("type")), "severity": _word(event.facts.get("severity"))}
        notices.note(channel, "alert", at=event.at, facts=facts, detail=_text(event.facts.get("description")))


def _page_policy(event: AccountEvent, channel: Channel) -> None:
    """A lifted block starts nothing by itself: a person verifies the channel."""
    action, reason = _word(event.facts.get("action")), _text(event.facts.get("reason"))
    if action == "block":
        notices.end(channel, ["page_unblocked"])
        Channel.stop(channel.pk, Channel.Status.STOPPED, "page_blocked")
        notices.note(channel, "page_blocked", at=event.at, detail=reason)
    elif action == "unblock":
        if notices.end(channel, ["page_blocked"]):
            notices.note(channel, "page_unblocked", at=event.at)
    elif action == "warning":
        notices.note(channel, "page_warned", at=event.at, detail=reason)


def _capability(event: AccountEvent, channel: Channel) -> None:
    """How many people may be written to first within a day: a number or TIER_2K."""
    limit = event.facts.get("limit", event.facts.get("max_daily_conversations_per_business"))
    if isinstance(limit, int | str) and not isinstance(limit, bool) and _word(str(limit)):
        ChannelHealth.objects.update_or_create(channel=channel, defaults={"limit": _word(str(limit))[:20]})


def _quality(event: AccountEvent, channel: Channel) -> None:
    """The rating itself is not in the event: the channel is asked again soon (health)."""
    _capability(event, channel)
    ChannelHealth.objects.filter(channel=channel).update(checked_at=None)


def _shown(kind: str) -> Callable[[AccountEvent, Channel], None]:
    def act(event: AccountEvent, channel: Channel) -> None:
        facts = {
            name: word
            for name in ("decision", "status", "code", "event")
            if (word := _word(str(event.facts.get(name, ""))))
        }
        notices.note(channel, kind, at=event.at, facts=facts)

    return act


_ACTS: dict[str, Callable[[AccountEvent, Channel], None]] = {
    "partner_removed": _removed,
    "account_disabled": _disabled,
    "account_restricted": _restricted,
    "account_review": _shown("review"),
    "account_alert": _alert,
    "number_quality": _quality,
    "number_name": _shown("name"),
    "capability": _capability,
    "security": _security,
    "username": _shown("username"),
    "payment": _shown("payment"),
    "page_policy": _page_policy,
    "history_declined": _shown("history_declined"),
    "account_error": _shown("account_error"),
}


def _word(value: Any) -> str:
    """A code word of the platform, or ""."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if len(text) <= 60 and text.replace("_", "").replace("-", "").isalnum() and text.isascii() else ""


def _text(value: Any) -> str:
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    """An aware time from what the parser gives: a datetime, or its ISO form."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo else None
