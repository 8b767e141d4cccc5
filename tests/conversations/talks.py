"""A conversation with a platform that keeps what it is given, for the tests of sending."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import ApiKey
from accounts.roles import Permission
from channels_app import registry
from channels_app.contract import OutboundMessage
from channels_app.models import MessageTemplate
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations import delivery, opt_ins
from conversations.models import Conversation, Delivery, Message
from omnistra.core.tenancy import workspace_scope
from privacy import policies
from tests.conversations.webhooks import connect, deliver, text

NOW = datetime.now(UTC).replace(microsecond=0)
COMPONENTS = [
    {"type": "BODY", "text": "Hello {{first_name}}, your order is ready for pick-up."},
    {"type": "FOOTER", "text": "Northwind Tea"},
    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thanks"}]},
]
VALUES = {"body.first_name": "Rui"}


class Platform(WhatsApp):
    """WhatsApp that keeps what it is given to send."""

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.outcomes: list[Exception] = []

    def send(self, external_id, credentials, message) -> str:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.sent.append(message)
        return f"wamid.out{len(self.sent)}"


@pytest.fixture
def platform(monkeypatch) -> Platform:
    given = Platform()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    return given


@pytest.fixture
def talk(committed, workspace, member, platform) -> Conversation:
    deliver((connect(workspace), text("wamid.in", "hello", NOW)))
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.select_related("channel").get()


@pytest.fixture
def agreed(talk, member) -> None:
    """The person agreed to be written to first, and the workspace stated that it keeps to that."""
    with workspace_scope(talk.workspace_id), transaction.atomic():
        policies.attest_opt_in(member, "127.0.0.1")
        entry = opt_ins.Entry(talk.contact_id, "whatsapp", "utility", True, "website", NOW, wording="Yes, write to me.")
        opt_ins.record(entry, Actor.member(member))


@pytest.fixture
def template(talk, agreed) -> MessageTemplate:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return MessageTemplate.objects.create(
            provider="whatsapp", account_id=talk.channel.account_id, external_id="71", name="order_ready", language="en",
            category="utility", status="approved", components=COMPONENTS,
        )  # fmt: skip


@pytest.fixture
def api(talk) -> Client:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        _, secret = ApiKey.issue("all", list(map(str, Permission)), None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def close_window(talk: Conversation) -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=24, seconds=1))


def outbound(talk: Conversation) -> list[Message]:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return list(Message.objects.filter(direction="outbound").order_by("created_at"))


def nothing_went_out(talk: Conversation, platform: Platform) -> bool:
    delivery.deliver()
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return not outbound(talk) and not Delivery.objects.exists() and platform.sent == []


def url(talk: Conversation, verb: str) -> str:
    return f"/w/northwind/inbox/{talk.pk}/{verb}/"
