"""What the channels hold of people (privacy.registry)."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from accounts.audit import SYSTEM
from accounts.audit.names import Name, add_names
from channels_app import connect
from channels_app.models import (
    Channel,
    ChannelHealth,
    ChannelLogin,
    ChannelNotice,
    LoginAttempt,
    MessageTemplate,
    OwnApp,
    RawEvent,
)
from privacy.registry import add_channel_names, add_farewell, register

CONNECT = ("to connect the customer's channels", "contract")
ROUTE = ("to route messages between the customer and its end users", "contract (processor)")

register(
    Channel, role="controller", retention="until disconnected",
    personal={"credentials": CONNECT, "name": CONNECT, "address": CONNECT},
    clear=("provider", "external_id", "account_id", "status", "status_reason", "restrictions"),
)  # fmt: skip
register(
    MessageTemplate, role="controller", retention="until disconnected",
    personal={"components": CONNECT, "advice": CONNECT},
    clear=(
        "provider", "account_id", "external_id", "name", "language", "category", "coming_category", "status", "quality",
        "reason",
    ),
)  # fmt: skip
register(
    RawEvent, role="processor", retention="7 days",
    personal={"body": ROUTE, "event_key": ROUTE}, clear=("provider", "state", "reason"),
)  # fmt: skip
register(
    ChannelLogin, role="controller", retention="until disconnected",
    personal={"user_id": CONNECT, "user_hash": CONNECT}, clear=("app",),
)  # fmt: skip
register(LoginAttempt, role="controller", retention="two hours", personal={"found": CONNECT}, clear=("flow",))
register(ChannelHealth, role="controller", retention="with the workspace", clear=("quality", "limit", "missing_fields"))
register(
    ChannelNotice, role="controller", retention="90 days after its end", personal={"detail": CONNECT},
    clear=("kind", "facts"),
)  # fmt: skip
register(
    OwnApp, role="controller", retention="until removed",
    personal={"secret": CONNECT, "verify_token": CONNECT}, clear=("app", "app_id", "key"),
)  # fmt: skip


def _names() -> dict[UUID, str]:
    return {channel.pk: channel.name for channel in Channel.objects.order_by("created_at")}


add_channel_names(_names)


def _named(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {
        pk: Name(name, reverse("channels:detail", args=[slug, pk]))
        for pk, name in Channel.objects.filter(pk__in=ids).values_list("pk", "name")
    }


add_names("channel", _named)


def _named_templates(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    found = MessageTemplate.objects.filter(pk__in=ids).values_list("pk", "name", "language")
    return {pk: Name(f"{name} ({language})", "") for pk, name, language in found}


add_names("template", _named_templates)


def _leave_platforms() -> None:
    """No more webhooks for numbers of a workspace that is erased."""
    with transaction.atomic():
        channels = list(Channel.objects.exclude(status=Channel.Status.DISCONNECTED))
    for channel in channels:
        connect.disconnect(channel, SYSTEM)


add_farewell(_leave_platforms)
