"""How channels are: token, rating, limits, and whether their webhooks come. Looked at daily, and when somebody asks.

1. No call inside a transaction. What a look finds is written in one, unless the channel changed meanwhile.
2. What is wrong becomes a notice (told once) or a stop; what is well again ends it.
3. Pages and Instagram accounts are unsubscribed by Meta after an hour of failures (messenger.md 4): whether they are
   subscribed is looked at every few minutes.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from channels_app import notices, stops
from channels_app.contract import CredentialsRefused, ProviderError
from channels_app.login import calls, instagram
from channels_app.login.calls import LoginFailed
from channels_app.models import Channel, ChannelHealth
from channels_app.providers.meta.messaging import PAGE_FIELDS
from channels_app.registry import provider
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
DAILY = timedelta(hours=24)
SUBSCRIPTION_EVERY = timedelta(minutes=15)
QUIET = timedelta(minutes=5)  # how exactly the last webhook is kept: it costs a write at most so often
SILENT = timedelta(hours=24)
RENEW_BEFORE, RENEW_AFTER = timedelta(days=30), timedelta(hours=24)  # instagram.md 2, step 7
_BUDGET = 240.0  # seconds that one run of the job may take
_BATCH = 200
_NUMBER = "quality_rating,whatsapp_business_manager_messaging_limit"
_TOKEN_NOTICES = ("token_ends_30", "token_ends_7")


@dataclass(slots=True)
class Look:
    """What one look found. None: it could not be seen this time."""

    token_valid: bool | None = None
    token_expires_at: datetime | None = None
    quality: str | None = None
    limit: str | None = None
    missing: list[str] | None = None
    subscribed_again: bool = False
    token: str = field(default="", repr=False)  # the one that was looked at
    renewed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    not_renewed: bool = False


def look(channel: Channel) -> ChannelHealth:
    """Look at everything of a connected channel now. In the workspace's scope, outside any transaction. Never raises for
    what the platform answers: what could not be seen stays as it was."""
    credentials = dict(channel.credentials or {})
    found = Look(token=str(credentials.get("token", "")))
    _see_token(channel, credentials, found)
    if found.token_valid is not False:
        _see_number(channel, credentials, found)
        _see_subscription(channel, credentials, found)
    with transaction.atomic():
        return _write(channel, found, full=True)


def look_at_subscription(channel: Channel) -> None:
    """Look whether the webhooks come, and nothing else. As `look`."""
    found = Look()
    credentials = dict(channel.credentials or {})
    _see_subscription(channel, credentials, found)
    with transaction.atomic():
        _write(channel, found, full=False)


def _see_token(channel: Channel, credentials: dict[str, Any], found: Look) -> None:
    now = timezone.now()
    if _by_instagram(channel, credentials):
        found.token_expires_at = _moment(credentials.get("expires_at"))
        issued = _moment(credentials.get("issued_at"))
        end = found.token_expires_at
        if end is not None and end <= now:
            found.token_valid = False
        elif end is not None and end - now < RENEW_BEFORE and (issued is None or now - issued >= RENEW_AFTER):
            try:
                found.renewed = instagram.renew(str(credentials.get("token", "")), now)
            except LoginFailed as error:
                log.warning("channel.token_not_renewed", channel=channel.pk, code=error.code)
                found.not_renewed = True
            else:
                credentials |= found.renewed
                found.token_expires_at = _moment(found.renewed.get("expires_at"))
        return
    token = str(credentials.get("token", ""))
    try:
        answer = calls.call("GET", calls.graph("debug_token"), token=token, params={"input_token": token}).get("data")
    except LoginFailed as error:
        found.token_valid = False if error.code == 190 else None
        return
    facts = answer if isinstance(answer, dict) else {}
    if isinstance(facts.get("is_valid"), bool):
        found.token_valid = facts["is_valid"]
    seconds = facts.get("expires_at")
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 4_102_444_800:
        found.token_expires_at = datetime.fromtimestamp(seconds, UTC)


def _see_number(channel: Channel, credentials: Mapping[str, Any], found: Look) -> None:
    """Rating and limit of a WhatsApp number; the others have none."""
    if channel.provider != "whatsapp":
        return
    token = str(credentials.get("token", ""))
    try:
        number = calls.call("GET", calls.graph(channel.external_id), token=token, params={"fields": _NUMBER})
    except LoginFailed as error:
        log.warning("channel.not_seen", channel=channel.pk, code=error.code)
        return
    found.quality = calls.text(number.get("quality_rating"), 20)
    found.limit = calls.text(number.get("whatsapp_business_manager_messaging_limit"), 20)


def _see_subscription(channel: Channel, credentials: Mapping[str, Any], found: Look) -> None:
    """What is not subscribed is subscribed again, and looked at once more."""
    missing = _missing_fields(channel, credentials)
    if missing:
        try:
            provider(channel.provider).subscribe(channel.account_id, credentials)
        except ProviderError as error:
            log.warning("channel.not_subscribed", channel=channel.pk, code=error.code)
        else:
            rest = _missing_fields(channel, credentials)
            found.subscribed_again = rest is not None and len(rest) < len(missing)
            missing = missing if rest is None else rest
    found.missing = missing


def _missing_fields(channel: Channel, credentials: Mapping[str, Any]) -> list[str] | None:
    """The fields that the platform does not send, `messages` for all of them; None when it does not say."""
    base = settings.INSTAGRAM_GRAPH_URL if _by_instagram(channel, credentials) else ""
    address = calls.graph(f"{channel.account_id}/subscribed_apps", base)
    try:
        apps = calls.rows(calls.call("GET", address, token=str(credentials.get("token", ""))))
    except LoginFailed as error:
        log.warning("channel.subscription_not_seen", channel=channel.pk, code=error.code)
        return None
    if channel.provider == "whatsapp" or base:
        return [] if apps else ["messages"]
    app_ids = {calls.text(app.get("id"), 64) for app in apps}
    ours = [app for app in apps if settings.META_APP_ID in (calls.text(app.get("id"), 64), "")] or (
        apps if settings.META_APP_ID not in app_ids and channel.own_app else []
    )
    held = {calls.text(name) for app in ours for name in app.get("subscribed_fields") or []}
    return sorted(set(PAGE_FIELDS) - held)  # an Instagram account gets all or nothing (instagram.md 2, step 6)


def _by_instagram(channel: Channel, credentials: Mapping[str, Any]) -> bool:
    """Whether it is connected by Instagram Login (flavour A)."""
    return channel.provider == "instagram" and not credentials.get("page_id")


def _write(channel: Channel, found: Look, *, full: bool) -> ChannelHealth:
    now = timezone.now()
    locked = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
    health, _ = ChannelHealth.objects.get_or_create(channel=channel)
    if locked.status == Channel.Status.DISCONNECTED:
        return health  # type: ignore[no-any-return]
    health.subscription_at = now
    if full:
        health.checked_at = now
        if dict(locked.credentials or {}).get("token", "") == found.token:  # else it got a new one meanwhile
            _write_token(locked, found, health)
        _write_rating(locked, found, health)
    if found.missing is not None:
        health.missing_fields = found.missing
        if found.missing:
            notices.note(locked, "fields_missing", facts={"fields": found.missing})
        else:
            notices.end(locked, ["fields_missing"])
    if found.subscribed_again:
        notices.note(locked, "subscribed_again", until=now + timedelta(days=7))
    health.save()
    return health  # type: ignore[no-any-return]


def _write_token(channel: Channel, found: Look, health: ChannelHealth) -> None:
    if found.token_valid is False:
        stops.note(channel.pk, CredentialsRefused("The platform no longer accepts this channel's token."))
        return
    if found.renewed:
        channel.credentials = {**dict(channel.credentials or {}), **found.renewed}
        channel.save(update_fields=["credentials"])
    if found.not_renewed:
        notices.note(channel, "token_not_renewed")
    elif found.renewed:
        notices.end(channel, ["token_not_renewed"])
    if found.token_valid is None and found.token_expires_at is None:
        return
    health.token_expires_at = end = found.token_expires_at
    left = end - timezone.now() if end else None
    renews = channel.provider == "instagram" and not dict(channel.credentials or {}).get("page_id")
    if left is None or left > timedelta(days=30):
        notices.end(channel, _TOKEN_NOTICES)
    elif left <= timedelta(days=7):
        notices.end(channel, ["token_ends_30"])
        notices.note(channel, "token_ends_7", until=end)
    elif not renews:  # Instagram's are renewed by themselves: only the last week is news
        notices.note(channel, "token_ends_30", until=end)


def _write_rating(channel: Channel, found: Look, health: ChannelHealth) -> None:
    if found.quality is not None:
        health.quality = found.quality
        rated = {"YELLOW": "quality_yellow", "RED": "quality_red"}.get(found.quality)
        notices.end(channel, {"quality_yellow", "quality_red"} - {rated})
        if rated:
            notices.note(channel, rated)
    if found.limit:
        health.limit = found.limit
    lately = health.webhook_at is not None and health.webhook_at > timezone.now() - SILENT
    if health.messages_at is not None and lately and health.webhook_at - health.messages_at > SILENT:  # type: ignore[operator]
        notices.note(channel, "silent")
    else:
        notices.end(channel, ["silent"])


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def heard(channels: Mapping[UUID, bool]) -> None:
    """Webhooks came for these channels; True where a message of a person, or its standby, was among them. Written once in
    QUIET at most: three queries whatever their number. In the workspace's scope and a transaction."""
    now = timezone.now()
    known = {row.channel_id: row for row in ChannelHealth.objects.filter(channel_id__in=channels)}
    ChannelHealth.objects.bulk_create(
        [
            ChannelHealth(channel_id=channel_id, webhook_at=now, messages_at=now if spoken else None)
            for channel_id, spoken in channels.items()
            if channel_id not in known
        ],
        ignore_conflicts=True,
    )
    edge = now - QUIET
    for spoken, fields in ((False, ["webhook_at"]), (True, ["webhook_at", "messages_at"])):
        old = [
            row.pk
            for channel_id, row in known.items()
            if channels[channel_id] is spoken
            and any((at := getattr(row, name)) is None or at < edge for name in fields)
        ]
        if old:
            ChannelHealth.objects.filter(pk__in=old).update(**dict.fromkeys(fields, now))


def check_due() -> int:
    """Look at the channels whose time has come, within the run's budget; gives how many."""
    now, started = timezone.now(), time.monotonic()
    with transaction.atomic(), system_scope("channels.check_health"):
        kept = ChannelHealth.objects.filter(channel_id=OuterRef("pk"))
        connected = (
            Channel.objects.exclude(status=Channel.Status.DISCONNECTED)
            .filter(workspace__suspended_at__isnull=True, workspace__closing_at__isnull=True)
            .annotate(seen=Subquery(kept.values("checked_at")[:1]), heard=Subquery(kept.values("subscription_at")[:1]))
        )
        daily = Q(seen__isnull=True) | Q(seen__lt=now - DAILY)
        due = list(
            connected.filter(daily).order_by(F("seen").asc(nulls_first=True)).values_list("workspace_id", "pk")[:_BATCH]
        )
        soon = list(
            connected.exclude(daily).exclude(provider="whatsapp").filter(heard__lt=now - SUBSCRIPTION_EVERY)
            .order_by("heard").values_list("workspace_id", "pk")[:_BATCH]
        )  # fmt: skip
    done = 0
    for looker, rows in ((look_at_subscription, soon), (look, due)):
        for workspace_id, channel_id in rows:
            if time.monotonic() - started > _BUDGET:
                return done
            with workspace_scope(workspace_id):
                with transaction.atomic():
                    channel = Channel.objects.exclude(status=Channel.Status.DISCONNECTED).filter(pk=channel_id).first()
                    if channel is None:
                        continue
                    channel.credentials  # noqa: B018  (opened here, while there is a transaction)
                looker(channel)
            done += 1
    return done
