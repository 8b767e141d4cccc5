"""Connecting, reconnecting and disconnecting a number. Pages and the API both come through here.

Every call to the platform happens outside a transaction, so a slow platform holds no lock and no connection. Call these
in the workspace's scope and with no transaction open.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.models import Membership
from channels_app import health, notices
from channels_app.contract import ChannelFacts, CredentialsRefused, ProviderError
from channels_app.models import Channel, ChannelLogin
from channels_app.records import user_hash
from channels_app.registry import PROVIDERS, provider
from channels_app.templates import jobs, keeping
from omnistra.core import rates
from omnistra.core.jobs import wake
from omnistra.core.logs import get_logger
from privacy import channel_erasure, policies

log = get_logger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # platform ids become part of an address, so nothing else may be in them
_MAX_TOKEN = 4096
CHECKS = (10, 600)  # of one channel by hand: so many within so many seconds


class NotConnected(Exception):
    """The number is not connected: `field` names what to correct ("" for none), `reason` says why."""

    def __init__(self, code: str, reason: str, field_name: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.field = code, reason, field_name


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person filled in. The token is opened nowhere else than in the call to the platform."""

    provider: str
    external_id: str
    account_id: str
    token: str = field(repr=False)
    name: str = ""
    terms_accepted: bool = False
    kept: Mapping[str, Any] = field(default_factory=dict, repr=False)  # what calls need beside the token
    login: tuple[str, str] | None = None  # whose login it rests on: the app, and the person's id there
    own_app: bool = False


def connect(wanted: Wanted, actor: Actor, member: Membership | None = None, ip: str | None = None) -> Channel:
    """Terms, check with the platform, row, webhooks. Raises NotConnected."""
    if wanted.provider not in PROVIDERS:
        raise NotConnected("unknown_provider", "This platform is not available here.", "provider")
    external_id = _identifier(wanted.external_id, "external_id")
    account_id = _identifier(wanted.account_id, "account_id")
    credentials: dict[str, Any] = {**wanted.kept, "token": _token(wanted.token)}
    with transaction.atomic():
        accepted = policies.processing_accepted()
        if not accepted and not wanted.terms_accepted:
            raise NotConnected("terms_missing", "Accept the data processing terms first.", "terms_accepted")
        if not accepted:
            policies.accept_processing(actor, member, ip)
        known = Channel.objects.filter(provider=wanted.provider, external_id=external_id).first()
    if known is not None and known.status != Channel.Status.DISCONNECTED:
        raise NotConnected("already_connected", "This number is connected here already.", "external_id")
    facts = _ask(wanted.provider, external_id, account_id, credentials)
    credentials |= facts.kept
    values: dict[str, Any] = {
        "account_id": account_id,
        "name": wanted.name.strip()[:120] or facts.name or external_id,
        "address": facts.address,
        "credentials": credentials,
        "status": Channel.Status.ACTIVE,
        "status_reason": "",
        "messages_per_second": facts.messages_per_second,
        "send_credit": facts.messages_per_second,
        "checked_at": timezone.now(),
        "connected_at": timezone.now(),
        "own_app": wanted.own_app,
    }
    try:
        with transaction.atomic():
            if known is None:
                channel = Channel.objects.create(provider=wanted.provider, external_id=external_id, **values)
            else:
                channel = known
                _write(channel, values)
            _rest_on(channel, wanted.login)
            audit.record("channel.connected", actor, channel.pk)
    except IntegrityError as error:
        raise _held_elsewhere() from error
    _subscribe(channel, credentials)
    if keeping.has_templates(channel):
        jobs.fetch_templates.enqueue(channel.workspace_id, channel.pk)
    return channel


def reconnect(channel: Channel, token: str, actor: Actor, account_id: str = "") -> Channel:
    """Give a number a new token. Raises NotConnected; the old token then stays."""
    account_id = _identifier(account_id or channel.account_id, "account_id")
    credentials: dict[str, Any] = {"token": _token(token)}
    facts = _ask(channel.provider, channel.external_id, account_id, credentials)
    credentials |= facts.kept
    values = {
        "account_id": account_id,
        "address": facts.address,
        "credentials": credentials,
        "status": Channel.Status.ACTIVE,
        "status_reason": "",
        "messages_per_second": facts.messages_per_second,
        "checked_at": timezone.now(),
        "connected_at": timezone.now(),
    }
    try:
        with transaction.atomic():
            _write(channel, values)
            _rest_on(channel, None)
            audit.record("channel.reconnected", actor, channel.pk, ["credentials"])
    except IntegrityError as error:  # it was disconnected here, and somebody else connected it since
        raise _held_elsewhere() from error
    _subscribe(channel, credentials)
    return channel


def _held_elsewhere() -> NotConnected:
    """Which workspace holds it is nobody's business here (policy clause 3b)."""
    words = "This number is connected to another workspace. It has to be disconnected there first."
    return NotConnected("held_elsewhere", words, "external_id")


def check(channel: Channel, actor: Actor) -> Channel:
    """Ask the platform whether the number still answers to its token. Raises NotConnected, with the state kept."""
    if channel.status == Channel.Status.DISCONNECTED or not channel.credentials:
        raise NotConnected("channel_disconnected", "This number is disconnected. Connect it again.")
    rate = rates.take(f"channel.check:{channel.pk}", *CHECKS)
    if rate is not None and not rate.allowed:
        raise NotConnected("too_often", f"This was asked often just now. Try again in {rate.reset // 60 + 1} minutes.")
    try:
        facts = provider(channel.provider).check(channel.external_id, channel.account_id, channel.credentials)
    except CredentialsRefused as error:
        with transaction.atomic():
            channel.mark_reconnect("token_refused")
            audit.record("channel.checked", actor, channel.pk, ["status"])
        raise _words(error) from error
    except ProviderError as error:
        raise _words(error) from error
    with transaction.atomic():
        _write(
            channel,
            {
                "address": facts.address,
                "status": Channel.Status.ACTIVE,
                "status_reason": "",
                "messages_per_second": facts.messages_per_second,
                "checked_at": timezone.now(),
            },
        )
        notices.end(channel, ["page_unblocked", "page_blocked", "account_disabled"])
        audit.record("channel.checked", actor, channel.pk)
    health.look(channel)
    return channel


def disconnect(channel: Channel, actor: Actor, erase: bool = False) -> None:
    """No more webhooks, no credentials, nothing more is sent. The conversations stay until retention takes them, or with
    `erase` are erased at once with everything that came by this channel."""
    credentials = channel.credentials
    with transaction.atomic():
        gone = {"credentials": None, "status": Channel.Status.DISCONNECTED, "status_reason": ""}
        _write(channel, gone | {"stopped_at": timezone.now()})
        _rest_on(channel, None)
        notices.end(channel, notices.KINDS)
        audit.record("channel.disconnected", actor, channel.pk)
        if erase:
            audit.record("channel.erasure_started", actor, channel.pk)
            channel_erasure.begin(channel.pk)
            transaction.on_commit(lambda: wake("privacy.erase_channels"))
        shared = (
            Channel.objects.filter(
                account_id=channel.account_id
            )  # of any provider: a Page subscribes for Instagram too
            .exclude(pk=channel.pk)
            .exclude(status=Channel.Status.DISCONNECTED)
            .exists()
        )
        keeping.forget(channel)
    if credentials and not shared:  # the account's other numbers still need its webhooks
        try:
            provider(channel.provider).unsubscribe(channel.account_id, credentials)
        except ProviderError as error:
            log.warning("channel.not_unsubscribed", channel=str(channel.pk), code=error.code)


def _rest_on(channel: Channel, login: tuple[str, str] | None) -> None:
    """Keep whose login at the platform the channel rests on from now on; None: nobody's, it has a token of its own."""
    ChannelLogin.objects.filter(channel=channel).delete()
    if login and login[1]:
        app, user_id = login
        ChannelLogin.objects.create(channel=channel, app=app, user_id=user_id, user_hash=user_hash(app, user_id))


def rename(channel: Channel, name: str, actor: Actor) -> None:
    """Another name for a number. In a transaction."""
    channel.name = name[:120]
    channel.save(update_fields=["name"])
    audit.record("channel.renamed", actor, channel.pk, ["name"])


def find(channel_id: UUID) -> Channel:
    """A channel of the workspace in force. Raises Channel.DoesNotExist."""
    with transaction.atomic():
        return Channel.objects.get(pk=channel_id)


def _ask(slug: str, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
    try:
        return provider(slug).check(external_id, account_id, credentials)
    except ProviderError as error:
        raise _words(error) from error


def _subscribe(channel: Channel, credentials: Mapping[str, Any]) -> None:
    """Webhooks on. When the platform refuses, the channel stays and says that it needs attention."""
    try:
        provider(channel.provider).subscribe(channel.account_id, credentials)
    except ProviderError as error:
        with transaction.atomic():
            channel.mark_reconnect("no_webhooks")
        raise _words(error) from error


def _words(error: ProviderError) -> NotConnected:
    """What the platform said, in its own words where it gave some."""
    said = f"{error.title} {error.detail}".strip()
    if isinstance(error, CredentialsRefused):
        return NotConnected("token_refused", said, "token")
    return NotConnected("platform_refused", said)


def _write(channel: Channel, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(channel, name, value)
    channel.save(update_fields=list(values))


def _identifier(value: str, name: str) -> str:
    value = value.strip()
    if not _ID.fullmatch(value):
        raise NotConnected("not_valid", "This is an id of digits, as the platform shows it.", name)
    return value


def _token(value: str) -> str:
    value = value.strip()
    if not value or len(value) > _MAX_TOKEN or not value.isascii() or not value.isprintable() or " " in value:
        raise NotConnected("not_valid", "This does not look like a token.", "token")
    return value
