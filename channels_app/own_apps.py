"""Own Meta apps of workspaces: kept, shown without their secret, removed (providers/whatsapp.md 3.2)."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts import audit
from accounts.audit import Actor
from accounts.models import Membership
from channels_app.models import App, OwnApp
from channels_app.records import new_key
from channels_app.registry import PROVIDERS

_PROVIDERS = {App.META: ("whatsapp", "messenger", "instagram"), App.INSTAGRAM: ("instagram",)}


@dataclass(frozen=True, slots=True)
class Shown:
    """An own app as its page shows it: what has to be entered at Meta. The secret is not among it."""

    app: OwnApp
    verify_token: str
    addresses: dict[str, str]  # provider's label -> where its webhooks go


def save(app: str, app_id: str, secret: str, by: Membership) -> OwnApp:
    """Keep an app, or another id and secret for it; its address and verify token are made anew with another id. In the
    workspace's scope and a transaction."""
    own: OwnApp = OwnApp.objects.filter(app=app).first() or OwnApp(app=app)
    if own.app_id != app_id:
        own.app_id, own.key, own.verify_token = app_id, new_key(), secrets.token_urlsafe(24)
    own.secret = secret
    own.save()
    audit.record("own_app.saved", Actor.member(by), own.pk, ["app_id", "secret"])
    return own


def remove(own_id: UUID, by: Membership) -> bool:
    """Forget an app with its secret; False for one that is not there."""
    deleted, _ = OwnApp.objects.filter(pk=own_id).delete()
    if deleted:
        audit.record("own_app.removed", Actor.member(by), own_id)
    return bool(deleted)


def shown() -> list[Shown]:
    """The workspace's apps."""
    return [
        Shown(
            own, own.verify_token,
            {
                PROVIDERS[slug].label: settings.BASE_URL + reverse("own_webhook", args=[slug, own.key])
                for slug in _PROVIDERS[App(own.app)] if slug in PROVIDERS
            },
        )
        for own in OwnApp.objects.order_by("created_at")
    ]  # fmt: skip
