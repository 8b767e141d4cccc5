"""A channel of Northwind Tea, an answer under way on it, and somebody else's channel."""

import pytest

from accounts.audit import Actor
from channels_app.models import Channel
from conversations import replies
from conversations.models import Conversation, Delivery, Message
from omnistra.core.tenancy import workspace_scope
from tests.conversations import updates
from tests.conversations.webhooks import connect


@pytest.fixture
def channel(workspace) -> Channel:
    return connect(workspace)


@pytest.fixture
def foreign_channel(other) -> Channel:
    return connect(other, "210000000000777", "310000000000777")


@pytest.fixture
def sent(workspace, member, channel) -> tuple[Message, Delivery]:
    """An answer whose call to the platform is under way."""
    updates.give(channel, updates.text(channel, "wamid.in"))
    with workspace_scope(workspace.pk):
        message = replies.send_reply(Conversation.objects.get(), "Hi Lena", Actor.member(member))[0]
        delivery = Delivery.objects.get()
        Delivery.objects.update(state="sending")
        Message.objects.filter(pk=message.pk).update(status="sending", provider_at=updates.after(5))
    return message, delivery
