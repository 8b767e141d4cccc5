"""The API from outside: who gets in, what is refused, and that a repeat has no second effect."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey
from accounts.roles import Permission
from channels_app.models import Channel
from conversations.models import Contact, Conversation, Message
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope

pytestmark = pytest.mark.usefixtures("committed")


EVERY_SCOPE = tuple(map(str, Permission))


def key_of(workspace, scopes=EVERY_SCOPE, **fields):
    with transaction.atomic(), workspace_scope(workspace.pk):
        return ApiKey.issue("Test", list(scopes), None, **fields)


@pytest.fixture
def headers(workspace):
    return {"Authorization": f"Bearer {key_of(workspace)[1]}"}


@pytest.fixture
def conversation(workspace):
    return a_conversation(workspace)


def a_conversation(workspace, written_ago=timedelta(hours=1)):
    with transaction.atomic(), workspace_scope(workspace.pk):
        channel = Channel.objects.create(provider="whatsapp", external_id=uuid.uuid4().hex, name="Shop")
        identity = uuid7()
        keyring.contact_keys(workspace.pk, {identity})
        contact = Contact.objects.create(id=identity, name="Ada")
        at = timezone.now() - written_ago
        return Conversation.objects.create(channel=channel, contact=contact, last_message_at=at, last_inbound_at=at)


def messages_in(workspace):
    with transaction.atomic(), workspace_scope(workspace.pk):
        return Message.objects.count()


def test_without_a_usable_key_the_answer_is_401(client, workspace):
    expired = key_of(workspace, expires_at=timezone.now() - timedelta(days=1))[1]
    revoked, secret = key_of(workspace)
    with transaction.atomic(), workspace_scope(workspace.pk):
        revoked.revoke()
    for token in ("nonsense", expired, secret):
        answer = client.get("/api/v1/conversations/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
    assert client.get("/api/v1/conversations/").status_code == 401


def test_a_key_without_the_scope_is_refused_and_nothing_is_written(client, workspace, conversation):
    reader = {"Authorization": f"Bearer {key_of(workspace, [Permission.CONVERSATIONS_VIEW])[1]}"}
    url = f"/api/v1/conversations/{conversation.pk}/messages/"
    answer = client.post(url, {"text": "Hello"}, content_type="application/json", headers=reader)
    assert answer.status_code == 403
    assert messages_in(workspace) == 0


def test_meta_106_a_key_of_another_workspace_finds_nothing_and_writes_nothing(client, workspace, other, conversation):
    stranger = {"Authorization": f"Bearer {key_of(other)[1]}"}
    base = f"/api/v1/conversations/{conversation.pk}/"
    send = {"content_type": "application/json", "headers": stranger}
    assert client.get(base, headers=stranger).status_code == 404
    assert client.patch(base, {"status": "closed"}, **send).status_code == 404
    assert client.post(f"{base}messages/", {"text": "Hello"}, **send).status_code == 404
    assert client.delete(f"/api/v1/channels/{conversation.channel_id}/", **send).status_code == 404
    assert client.post(f"/api/v1/channels/{conversation.channel_id}/check/", **send).status_code == 404
    first = {"channel": str(conversation.channel_id), "to": "+4915112345678", "text": "Hello"}
    assert client.post("/api/v1/messages/", first, **send).status_code == 404
    assert client.get("/api/v1/conversations/", headers=stranger).json()["results"] == []
    assert messages_in(workspace) == 0


def test_an_answer_repeated_with_its_idempotency_key_is_sent_once(client, workspace, conversation, headers):
    url = f"/api/v1/conversations/{conversation.pk}/messages/"
    send = {"content_type": "application/json", "headers": headers | {"Idempotency-Key": "order-17"}}
    first = client.post(url, {"text": "On its way"}, **send)
    again = client.post(url, {"text": "On its way"}, **send)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["text"] == "On its way"
    assert messages_in(workspace) == 1
    different = client.post(url, {"text": "Something else"}, **send)
    assert (different.status_code, different.json()["code"]) == (422, "idempotency_key_reused")


def test_outside_the_window_the_refusal_says_why_and_what_next(client, workspace, headers):
    conversation = a_conversation(workspace, timedelta(hours=30))
    url = f"/api/v1/conversations/{conversation.pk}/messages/"
    answer = client.post(url, {"text": "Hello"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "window_closed")
    assert "opens again" in answer.json()["detail"]
    assert messages_in(workspace) == 0


@pytest.mark.parametrize(
    "body", ['{"text": "a\\u0000b"}', '{"text": "\\ud800"}', "[]", "{", '{"text": {}}', '{"text": "a", "reply_to": "5"}',
             "[" * 100_000, '{"text": null}'],
)  # fmt: skip
def test_bad_bodies_are_bad_requests(client, conversation, headers, body):
    url = f"/api/v1/conversations/{conversation.pk}/messages/"
    answer = client.post(url, body, content_type="application/json", headers=headers)
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("query", ["cursor=x", "channel=7", "assignee=%00", "status=gone", "limit=0", "limit=x"])
def test_bad_queries_are_bad_requests(client, headers, query):
    assert client.get(f"/api/v1/conversations/?{query}", headers=headers).status_code == 400


def test_pages_lead_through_all_rows_and_back(client, workspace, headers):
    for hours in range(1, 6):
        a_conversation(workspace, timedelta(hours=hours))
    url, seen = "/api/v1/conversations/?limit=2", []
    while url:
        page = client.get(url, headers=headers).json()
        seen += [row["id"] for row in page["results"]]
        url, back = page["next"], page["previous"]
    assert len(seen) == len(set(seen)) == 5
    assert [row["id"] for row in client.get(back, headers=headers).json()["results"]] == seen[2:4]


def test_retention_is_set_read_and_counted(client, headers, conversation):
    send = {"content_type": "application/json", "headers": headers}
    wanted = {"conversation_days": 30, "message_days": None, "media_days": 7, "channels": {}}
    assert client.put("/api/v1/privacy/retention/", wanted, **send).json() == wanted
    assert client.get("/api/v1/privacy/retention/", headers=headers).json() == wanted
    assert client.post("/api/v1/privacy/retention/preview/", wanted, **send).status_code == 200
    strange = wanted | {"channels": {str(uuid.uuid4()): {"conversation_days": 1}}}
    assert client.put("/api/v1/privacy/retention/", strange, **send).status_code == 400


def test_a_channel_never_shows_its_token(client, headers, conversation):
    answer = client.get(f"/api/v1/channels/{conversation.channel_id}/", headers=headers)
    assert answer.status_code == 200
    assert "token" not in answer.content.decode() and "credentials" not in answer.json()
