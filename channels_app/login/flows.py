"""The way of a login: begin, come back, choose. Pages come through here."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Membership
from channels_app import connect
from channels_app.connect import NotConnected, Wanted
from channels_app.login import whatsapp
from channels_app.login.calls import AppKeys, Flow, Found, LoginFailed, Offer
from channels_app.login.instagram import InstagramLogin
from channels_app.login.pages import FacebookLogin, InstagramByPage
from channels_app.login.whatsapp import EmbeddedSignup
from channels_app.models import App, Channel, LoginAttempt, OwnApp
from channels_app.registry import PROVIDERS
from omnistra.core.tenancy import system_scope
from privacy import policies

FLOWS: dict[str, Flow] = {
    each.slug: each for each in (EmbeddedSignup(), FacebookLogin(), InstagramLogin(), InstagramByPage())
}
_SESSION = "channel_logins"
_AT_ONCE = 5  # logins begun and not ended, of one session
_STATE_SECONDS = 900


def offered() -> list[Flow]:
    """The flows of the providers that this installation has."""
    return [flow for flow in FLOWS.values() if flow.provider in PROVIDERS]


def keys(flow: Flow) -> AppKeys | None:
    """The app of a login: the workspace's own where it has one, else the installation's; None where there is none. In the
    workspace's scope and a transaction."""
    own = OwnApp.objects.filter(app=flow.app).first()
    if own is not None:
        return AppKeys(own.app_id, own.secret, is_own=True)
    if not flow.is_set_up():
        return None
    if flow.app == App.INSTAGRAM:
        return AppKeys(settings.INSTAGRAM_APP_ID, settings.INSTAGRAM_APP_SECRET)
    return AppKeys(settings.META_APP_ID, settings.META_APP_SECRET)


def begin(flow: Flow, member: Membership, session: SessionBase, terms_accepted: bool, ip: str | None) -> str:
    """Begin a login; gives the address at which the person signs in. In the workspace's scope and a transaction. Raises
    NotConnected."""
    if not policies.processing_accepted():
        if not terms_accepted:
            raise NotConnected("terms_missing", "Accept the data processing terms first.", "terms_accepted")
        policies.accept_processing(Actor.member(member), member, ip)
    app = keys(flow)
    if app is None:
        raise NotConnected("not_set_up", f"Signing in at {flow.platform} is not set up on this installation.")
    attempt = LoginAttempt.objects.create(member=member, flow=flow.slug)
    state = secrets.token_urlsafe(32)
    now = timezone.now().timestamp()
    running = [each for each in session.get(_SESSION, []) if each["until"] > now][-_AT_ONCE + 1 :]
    session[_SESSION] = [
        *running,
        {"state": state, "slug": member.workspace.slug, "attempt": str(attempt.pk), "until": now + _STATE_SECONDS},
    ]
    return flow.dialog(app, state)


def take(session: SessionBase, state: str) -> tuple[str, UUID] | None:
    """The workspace's slug and the attempt to which a `state` belongs, once; None for one that is not of this session."""
    running, found = session.get(_SESSION, []), None
    for each in running:
        if hmac.compare_digest(each["state"].encode(), state.encode()):
            found = each
    if found is None:
        return None
    session[_SESSION] = [each for each in running if each is not found]
    return (found["slug"], UUID(found["attempt"])) if found["until"] > timezone.now().timestamp() else None


def come_back(attempt_id: UUID, member: Membership, code: str) -> LoginAttempt:
    """Exchange the code and keep what it opens. In the workspace's scope, outside any transaction. Raises LoginFailed."""
    attempt = find(attempt_id, member)
    if attempt is None or attempt.found is not None:
        raise LoginFailed("This login took too long. Start again.")
    flow = FLOWS[attempt.flow]
    with transaction.atomic():
        app = keys(flow)
    if app is None:
        raise LoginFailed(f"Signing in at {flow.platform} is not set up on this installation.")
    found = flow.find(app, code)
    with transaction.atomic():
        attempt.found = {**found.as_json(), "is_own": app.is_own}
        attempt.save(update_fields=["found"])
    return attempt


def find(attempt_id: UUID, member: Membership) -> LoginAttempt | None:
    """A member's own attempt that is not too old."""
    with transaction.atomic():
        attempt: LoginAttempt | None = LoginAttempt.objects.filter(
            pk=attempt_id, member=member, created_at__gt=timezone.now() - LoginAttempt.LIFE
        ).first()
        if attempt is not None:
            attempt.found  # noqa: B018  (opened here, while there is a transaction)
    return attempt


def offers(attempt: LoginAttempt) -> tuple[Offer, ...]:
    """What it opens, with what stands in the way; what is connected here already says so."""
    found = Found.from_json({"user_id": "", "offers": (attempt.found or {}).get("offers", [])})
    with transaction.atomic():
        connected = set(
            Channel.objects.exclude(status=Channel.Status.DISCONNECTED)
            .filter(external_id__in=[each.external_id for each in found.offers])
            .values_list("provider", "external_id")
        )
    return tuple(
        replace(each, missing="Connected here already.") if (each.provider, each.external_id) in connected else each
        for each in found.offers
    )


def choose(
    attempt: LoginAttempt, chosen: Sequence[str], member: Membership, ip: str | None
) -> tuple[list[Channel], dict[str, str], list[str]]:
    """Connect what was chosen; gives the channels, the PINs of numbers that were registered (by name; shown once), and in
    words what was not connected. The attempt ends with it. In the workspace's scope, outside any transaction."""
    found = attempt.found or {}
    flow = FLOWS[attempt.flow]
    channels, pins, problems = [], {}, []
    wanted = [each for each in offers(attempt) if each.external_id in chosen]
    with transaction.atomic():
        if not LoginAttempt.objects.filter(pk=attempt.pk).delete()[0]:
            return [], {}, ["This login was used already. Start again."]
    for offer in wanted:
        if offer.missing:
            problems.append(f"{offer.name}: {offer.missing}")
            continue
        try:
            channel, pin = _connect(offer, flow, found, member, ip)
        except (NotConnected, LoginFailed) as problem:
            problems.append(f"{offer.name}: {problem.reason}")
        else:
            channels.append(channel)
            if pin:
                pins[offer.name] = pin
    return channels, pins, problems


def _connect(
    offer: Offer, flow: Flow, found: dict[str, object], member: Membership, ip: str | None
) -> tuple[Channel, str]:
    credentials = dict(offer.credentials)
    token = str(credentials.pop("token", ""))
    pin = whatsapp.register(offer.external_id, token) if offer.needs_registration else ""
    kept = {**credentials, "pin": pin} if pin else credentials
    wanted = Wanted(
        provider=offer.provider, external_id=offer.external_id, account_id=offer.account_id, token=token,
        name=offer.name, kept=kept, login=(flow.app, str(found.get("user_id", ""))), own_app=bool(found.get("is_own")),
    )  # fmt: skip
    try:
        return connect.connect(wanted, Actor.member(member), member, ip), pin
    except NotConnected as problem:
        if not pin:
            raise
        raise LoginFailed(f"{problem.reason} The number has the PIN {pin} now: keep it.") from problem


def forget_old() -> int:
    """Delete what was begun and not ended."""
    edge = timezone.now() - max(LoginAttempt.LIFE, timedelta(seconds=_STATE_SECONDS))
    with transaction.atomic(), system_scope("channels.forget_logins"):
        return int(LoginAttempt.objects.filter(created_at__lt=edge).delete()[0])
