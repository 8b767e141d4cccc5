"""A conversation on a channel whose platform answers what the test says, and a clock that stands."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey
from channels_app import registry
from channels_app.contract import OutboundMessage
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations.models import Conversation
from omnistra.core.tenancy import workspace_scope
from tests.conversations.webhooks import connect, deliver, text


class Platform(WhatsApp):
    """WhatsApp whose calls do what the test says."""

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.blocked: list[tuple[dict[str, str], bool]] = []
        self.outcomes: list[Exception] = []

    def send(self, external_id, credentials, message) -> str:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.sent.append(message)
        return f"wamid.out{len(self.sent)}"

    def set_blocked(self, external_id, credentials, handles, blocked) -> None:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.blocked.append((dict(handles), blocked))


class Page(Platform):
    """A platform with an answer by people for seven days, and no templates, as Messenger has it."""

    human_window = timedelta(days=7)


@pytest.fixture
def platform(monkeypatch) -> Platform:
    given = Platform()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    return given


@pytest.fixture
def page(monkeypatch) -> Page:
    given = Page()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    monkeypatch.setattr("conversations.policy.engine.WITH_TEMPLATES", frozenset())
    return given


class Clock:
    """Stands where it is put; starts a minute ahead, so that what the database stamps is over by then."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def go(self, **ahead: int) -> None:
        self.now += timedelta(**ahead)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    given = Clock()
    monkeypatch.setattr(timezone, "now", given)
    return given


@pytest.fixture
def talk(committed, workspace, member, platform) -> Conversation:
    deliver((connect(workspace), text("wamid.in", "hello", datetime.now(UTC).replace(microsecond=0))))
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.select_related("channel", "contact").get()


@pytest.fixture
def page_talk(committed, workspace, member, page) -> Conversation:
    deliver((connect(workspace), text("wamid.in", "hello", datetime.now(UTC).replace(microsecond=0))))
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.select_related("channel", "contact").get()


@pytest.fixture
def key(workspace) -> ApiKey:
    with workspace_scope(workspace.pk), transaction.atomic():
        return ApiKey.issue("robot", ["conversations.reply", "conversations.view", "contacts.manage"], None)[0]


def change(talk: Conversation, **values: object) -> None:
    """Set fields of the conversation, as if they had come about."""
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.filter(pk=talk.pk).update(**values)


def again(talk: Conversation) -> Conversation:
    """The conversation as it is now."""
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return Conversation.objects.select_related("channel", "contact").get(pk=talk.pk)
