"""Who opened a conversation: recorded when it is read, shown where it is read."""

import pytest
from django.test import Client

from accounts.audit import Actor, record
from accounts.models import Membership, User
from accounts.roles import Role
from conversations.models import Conversation
from omnistra.core.tenancy import workspace_scope
from tests.accounts.audit.tools import entries, settle
from tests.conftest import join
from tests.project.rows import make

pytestmark = pytest.mark.clause("12a")


@pytest.fixture
def conversation(workspace) -> Conversation:
    with workspace_scope(workspace.pk):
        return make(Conversation)


def opened(workspace) -> list:
    settle()
    return [entry for entry in entries(workspace) if entry.action == "conversation.opened"]


def url(conversation, part: str = "") -> str:
    return f"/w/northwind/inbox/{conversation.pk}/" + (f"?part={part}" if part else "")


def test_reading_is_recorded_once_an_hour_however_often_the_thread_is_fetched(
    client, owner, member, workspace, conversation
):
    client.force_login(owner)
    for part in ("", "thread", "messages", "thread", ""):
        assert client.get(url(conversation, part)).status_code == 200
    [entry] = opened(workspace)
    assert (entry.actor_id, entry.target_id, entry.fields) == (member.pk, conversation.pk, [])


def test_the_messages_alone_are_an_opening_too(client, owner, workspace, conversation):
    client.force_login(owner)
    client.get(url(conversation, "messages"))
    assert len(opened(workspace)) == 1


@pytest.mark.parametrize("part", ["list", "views", "row"])
def test_what_is_not_a_thread_is_no_opening(client, owner, workspace, conversation, part):
    client.force_login(owner)
    client.get(url(conversation, part))
    assert opened(workspace) == []


def test_whoever_may_not_read_leaves_no_opening(client, workspace, other, conversation):
    client.force_login(User.objects.get(email="max@elsewhere.example"))
    assert client.get(url(conversation)).status_code == 404
    assert Client().get(url(conversation)).status_code == 302
    assert opened(workspace) == []


def test_the_panel_names_who_read_it_each_once_the_latest_first(client, owner, member, workspace, conversation):
    agent, operator = (
        join(workspace, Role.AGENT),
        User.objects.create_superuser("op@omnistra.example", "x", name="Olga"),
    )
    with workspace_scope(workspace.pk):
        viewer = Membership.objects.get(user=join(workspace, Role.VIEWER))
        record("conversation.opened", Actor.member(viewer), conversation.pk)
        record("conversation.replied", Actor.member(viewer), conversation.pk)
    settle()
    for user in (owner, agent):
        client.force_login(user)
        client.get(url(conversation))
        settle()
    with workspace_scope(workspace.pk):
        record("operator.conversation_read", Actor.operator(operator.pk), conversation.pk)
        settle()
        viewer.delete()
    answer = client.get(url(conversation))
    assert [each["name"] for each in answer.context["contact"]["opened_by"]] == [
        "An operator", "You", "Ines Prado", "A former member",
    ]  # fmt: skip
    assert b"Opened by" in answer.content


def test_another_conversations_readers_are_not_shown(client, owner, workspace, conversation):
    with workspace_scope(workspace.pk):
        elsewhere = make(Conversation)
    client.force_login(owner)
    client.get(url(elsewhere))
    settle()
    assert client.get(url(conversation)).context["contact"]["opened_by"] == []
