"""Journal to messages."""

import pytest

from channels_app.models import Channel, RawEvent
from conversations import ingest
from conversations.models import Contact, Conversation, Handle, Message
from omnistra.core.tenancy import system_scope
from tests.channels_app.test_webhooks import SIGNATURE, VECTOR, post


@pytest.fixture
def channel(scope) -> Channel:
    return Channel.objects.create(
        provider="whatsapp",
        external_id="210000000000501",
        account_id="310000000000101",
        name="Northwind",
        address="+49 30 12345678",
        credentials={"token": "EAAG-test-token"},
    )


def test_the_vector_becomes_one_message_however_often_it_comes(channel):
    for _ in range(3):
        post(VECTOR, SIGNATURE)
        ingest.drain()
    message = Message.objects.get()
    assert message.text == "Hello, is this in stock?"
    assert message.provider_at.isoformat() == "2026-11-18T11:06:40+00:00"
    assert Contact.objects.get().name == "Lena Fields"
    assert {handle.kind: handle.value for handle in Handle.objects.all()} == {
        "wa_id": "491701112233",
        "bsuid": "DE.7011223344556677",
    }
    assert Conversation.objects.get().unread_count == 1
    with system_scope("test"):
        assert RawEvent.objects.get().state == "done"
