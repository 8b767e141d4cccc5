"""The line between channels, for every model and every address there is and will be: who is limited to some sees nothing
of the others, in whatever way it is asked."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from accounts.access import access_of
from accounts.models import ApiKey, AuditEntry, Membership
from accounts.roles import WITHIN_CHANNELS, Permission, Role
from accounts.scopes import SCOPES, beyond_channels
from channels_app.models import Channel, ChannelHealth, ChannelLogin, ChannelNotice, MessageTemplate
from conversations.models import (
    Attachment,
    Campaign,
    CampaignRecipient,
    Contact,
    Conversation,
    Delivery,
    EarlyUpdate,
    Handle,
    Message,
    OptIn,
    Reaction,
    Tombstone,
)
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import WorkspaceForeignKey, workspace_scope
from tests.conftest import join
from tests.project.rows import WORKSPACE_MODELS, make
from tests.project.test_doors import ROUTES, STREAM

# Models that point to what belongs to a channel, and yet are not limited: each with its reason.
UNLIMITED: dict[str, str] = {}
FOLLOWED = {Channel, Contact, Conversation, Message}


def _points_to_a_channel(model: type[Any]) -> bool:
    return model is Channel or any(
        isinstance(field, WorkspaceForeignKey) and field.related_model in FOLLOWED
        for field in model._meta.concrete_fields
    )


LIMITED = [model for model in WORKSPACE_MODELS if _points_to_a_channel(model) or model in (Contact, MessageTemplate)]
each_model = pytest.mark.parametrize("model", LIMITED, ids=lambda model: model._meta.label)


@pytest.mark.clause("12a")
def test_every_model_of_a_channel_is_limited_in_the_database_or_excused_with_a_reason(db):
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT tablename, permissive, cmd FROM pg_policies WHERE policyname = 'channel_rows'",
        )
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    wanted = {model._meta.db_table for model in LIMITED if model._meta.label not in UNLIMITED}
    assert set(found) == wanted
    assert set(found.values()) == {("RESTRICTIVE", "ALL")}
    assert set(UNLIMITED) <= {model._meta.label for model in LIMITED}, "stale"


def test_every_model_with_a_channel_says_so_to_its_manager():
    for model in WORKSPACE_MODELS:
        names = {field.attname for field in model._meta.concrete_fields if field.related_model is Channel}
        assert model.limited_by == ("id" if model is Channel else "channel_id" if names else ""), model._meta.label


def _run(sql: str, *params: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


@pytest.fixture
def channels(scope) -> tuple[Channel, Channel]:
    """One that is seen and one that is hidden."""
    return make(Channel, name="Berlin"), make(Channel, name="Porto")


def everything(channel: Channel) -> dict[type[Any], Any]:
    """One row of each limited model, all of one conversation on a channel with an account of its own."""
    channel.account_id = channel.pk.hex
    channel.save(update_fields=["account_id"])
    contact = make(Contact)
    conversation = make(Conversation, channel=channel, contact=contact)
    message = make(Message, channel=channel, conversation=conversation, contact=contact, direction="inbound")
    rows = {Channel: channel, Contact: contact, Conversation: conversation, Message: message}
    rows[Handle] = make(Handle, contact=contact)
    rows[OptIn] = make(OptIn, contact=contact)
    rows[Reaction] = make(Reaction, channel=channel, conversation=conversation, contact=contact)
    rows[Attachment] = make(Attachment, channel=channel, message=message, contact=contact, state="failed")
    rows[Delivery] = make(Delivery, channel=channel, conversation=conversation, message=message)
    rows[Campaign] = make(Campaign, channel=channel)
    rows[CampaignRecipient] = make(CampaignRecipient, channel=channel, campaign=rows[Campaign], contact=contact)
    rows[EarlyUpdate] = make(EarlyUpdate, channel=channel, contact=contact)
    rows[Tombstone] = make(Tombstone, channel=channel)
    rows |= {model: make(model, channel=channel) for model in (ChannelHealth, ChannelLogin, ChannelNotice)}
    rows[MessageTemplate] = make(MessageTemplate, provider=channel.provider, account_id=channel.account_id)
    assert set(rows) == set(LIMITED), "teach this test the new model"
    return rows


@pytest.mark.clause("12a")
@each_model
def test_a_row_of_a_hidden_channel_can_neither_be_seen_nor_changed_nor_deleted_nor_planted(workspace, channels, model):
    seen, hidden = (everything(channel)[model] for channel in channels)
    table = f'"{model._meta.db_table}"'
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t WHERE id = %s", [hidden.pk])
        image = json.loads(cursor.fetchone()[0])
    with workspace_scope(workspace.pk, [channels[0].pk]):
        assert list(model.objects.values_list("pk", flat=True)) == [seen.pk]
        assert _run(f"SELECT 1 FROM {table} WHERE id = %s", seen.pk) == 1
        for sql in (
            f"SELECT 1 FROM {table} WHERE id = %s", f"UPDATE {table} SET id = id WHERE id = %s",
            f"DELETE FROM {table} WHERE id = %s",
        ):  # fmt: skip
            assert _run(sql, hidden.pk) == 0
        planted = json.dumps({**image, "id": str(uuid7())})
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            _run(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(null::{table}, %s::jsonb)", planted)
    assert _run(f"SELECT 1 FROM {table} WHERE id = %s", hidden.pk) == 1


@each_model
def test_who_is_limited_to_no_channel_sees_none(workspace, channels, model):
    everything(channels[0])
    with workspace_scope(workspace.pk, []):
        assert not model.objects.exists()
        assert _run(f'SELECT 1 FROM "{model._meta.db_table}"') == 0


def test_a_contact_on_two_channels_is_seen_with_the_conversation_that_is_seen(workspace, channels):
    seen = channels[0]
    contact = make(Contact)
    for channel in channels:
        make(Conversation, channel=channel, contact=contact)
    with workspace_scope(workspace.pk, [seen.pk]):
        assert Contact.objects.get() == contact
        assert Conversation.objects.get().channel_id == seen.pk


def test_a_wider_scope_inside_a_limited_one_ends_with_it(workspace, channels):
    with workspace_scope(workspace.pk, [channels[0].pk]):
        with workspace_scope(workspace.pk):
            assert Channel.objects.count() == 2
        assert Channel.objects.count() == 1


@pytest.mark.clause("12a")
def test_without_the_setting_of_the_channels_a_query_fails(workspace, channels):
    with workspace_scope(workspace.pk):
        everything(channels[0])
        _run("SELECT set_config('omnistra.channels', '', true)")
        with pytest.raises(DatabaseError, match="malformed array literal"), transaction.atomic():
            _run("SELECT count(*) FROM conversations_conversation")


def limit(workspace: Any, user: Any, *channel_ids: UUID) -> None:
    """The member sees these channels alone from now on."""
    with workspace_scope(workspace.pk), transaction.atomic():
        Membership.objects.filter(user=user).update(channel_ids=list(channel_ids))


def _image(workspace: Any, *without: type[Any]) -> list[str]:
    """Every row of the workspace, to tell whether anything was written."""
    with workspace_scope(workspace.pk), transaction.atomic(), connection.cursor() as cursor:
        found = []
        for model in WORKSPACE_MODELS:
            if model not in without:
                cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t ORDER BY id')
                found += [row[0] for row in cursor.fetchall()]
        return found


@pytest.mark.clause("12a")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT])
def test_every_address_with_an_id_of_a_hidden_channel_answers_404_and_writes_nothing(workspace, channels, role):
    """An admin with limits is refused by the permission first: 403."""
    rows = everything(channels[1])
    user = join(workspace, role)
    limit(workspace, user, channels[0].pk)
    client = Client()
    client.force_login(user)
    before = _image(workspace)
    asked = set()
    for route, view in ROUTES:
        if not route.startswith("w/<slug:slug>/") or "<uuid:" not in route or route == STREAM:
            continue
        start, _, rest = route.partition("<uuid:")
        for model, row in rows.items():
            address = "/" + f"{start}{row.pk}{rest.partition('>')[2]}".replace("<slug:slug>", workspace.slug)
            form = {"handle": str(rows[Handle].pk), "text": "hello", "assignee": ""}
            for answer in (client.get(address), client.post(address, form)):
                refused = (404, 405) if access_of(view) in set(map(str, WITHIN_CHANNELS)) else (403, 404, 405)
                assert answer.status_code in refused, (address, model, answer.status_code)
        asked.add(route)
    assert len(asked) >= 12
    assert _image(workspace) == before


@pytest.mark.clause("12a")
def test_every_endpoint_with_an_id_of_a_hidden_channel_answers_404_to_a_limited_key_and_writes_nothing(
    committed, workspace
):
    with workspace_scope(workspace.pk), transaction.atomic():
        seen = make(Channel)
        rows = everything(make(Channel))
        _, secret = ApiKey.issue("limited", list(map(str, Permission)), None, channel_ids=[seen.pk])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    client.get("/api/v1/conversations/")  # its first use is noted
    before, asked = _image(workspace, ApiKey), 0
    for route, view in ROUTES:
        if access_of(view) != "api" or "<uuid:" not in route:
            continue
        start, _, rest = route.partition("<uuid:")
        for model, row in rows.items():
            address = f"/{start}{row.pk}{rest.partition('>')[2]}"
            for method, scope in view.cls.required_scopes.items():
                answer = client.generic(method, address, '{"text": "hello"}', content_type="application/json")
                expected = 404 if scope in WITHIN_CHANNELS else 403
                assert answer.status_code == expected, (method, address, model, answer.status_code)
                asked += 1
    assert asked >= 50
    assert _image(workspace, ApiKey) == before
    assert client.get("/api/v1/conversations/").json()["results"] == []
    assert [each["id"] for each in client.get("/api/v1/channels/").json()["results"]] == [str(seen.pk)]
    write = {"channel": str(rows[Channel].pk), "to": "491701112233", "text": "hello"}
    assert client.post("/api/v1/messages/", write, content_type="application/json").status_code == 404
    assert _image(workspace, ApiKey) == before


@pytest.mark.clause("12a")
def test_what_reaches_beyond_channels_is_refused_to_who_is_limited(workspace, channels):
    admin = join(workspace, Role.ADMIN)
    limit(workspace, admin, channels[0].pk)
    member = Membership.of_user(admin)[0]
    assert {each for each in Permission if member.may(each)} == set(WITHIN_CHANNELS)
    key, _ = ApiKey.issue("limited", list(map(str, SCOPES)), None, channel_ids=[channels[0].pk])
    assert {each for each in SCOPES if key.may(each)} == WITHIN_CHANNELS & set(SCOPES)
    assert beyond_channels(list(SCOPES))
    assert not AuditEntry.objects.exists()
