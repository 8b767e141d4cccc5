"""What the flows of the product record, where no test of the flow itself says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from accounts.roles import Role
from channels_app.contract import ChannelFacts, CredentialsRefused
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations.models import Conversation
from omnistra.core.tenancy import workspace_scope
from privacy import retention
from privacy.models import PurgeRun, RetentionPolicy
from tests.accounts.audit.tools import entries, settle
from tests.conftest import join
from tests.conversations.webhooks import connect, deliver, text
from tests.project.rows import make

pytestmark = pytest.mark.clause("12a")


def recorded(workspace) -> list[tuple]:
    settle()
    return [(entry.action, entry.actor_id, entry.target_id) for entry in entries(workspace)]


def test_a_check_of_a_channel_is_recorded_whatever_the_platform_answers(client, owner, member, workspace, monkeypatch):
    with workspace_scope(workspace.pk):
        channel = connect(workspace)
    address = f"/w/northwind/settings/channels/{channel.pk}/check/"
    client.force_login(owner)
    monkeypatch.setattr(WhatsApp, "check", lambda *_: ChannelFacts("Northwind Tea", "+44 20 7946 0000"))
    client.post(address)

    def refuse(*_: object) -> ChannelFacts:
        raise CredentialsRefused("Session has expired", code=190)

    monkeypatch.setattr(WhatsApp, "check", refuse)
    client.post(address)
    assert recorded(workspace) == [("channel.checked", member.pk, channel.pk)] * 2
    assert [entry.fields for entry in entries(workspace)] == [[], ["status"]]


def test_each_change_of_a_conversation_is_recorded_by_its_own_word(client, owner, member, workspace):
    with workspace_scope(workspace.pk):
        conversation = make(Conversation)
        assignee = Membership.objects.get(user=join(workspace, Role.AGENT))
    client.force_login(owner)
    for verb, form in (("close", {}), ("reopen", {}), ("assign", {"assignee": str(assignee.pk)})):
        client.post(f"/w/northwind/inbox/{conversation.pk}/{verb}/", form)
    assert recorded(workspace) == [
        (action, member.pk, conversation.pk)
        for action in ("conversation.closed", "conversation.reopened", "conversation.assigned")
    ]


@pytest.mark.clause("10b")
def test_a_purge_that_deleted_something_is_recorded_and_one_that_had_nothing_to_do_is_not(workspace):
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "old", timezone.now() - timedelta(days=10))))
    with workspace_scope(workspace.pk):
        RetentionPolicy.objects.create(conversation_days=5)
    for _ in range(3):
        retention.purge_all(PurgeRun.Trigger.SCHEDULE)
    with workspace_scope(workspace.pk):
        run = PurgeRun.objects.order_by("started_at").first()
    assert recorded(workspace) == [("retention.purge_finished", None, run.pk)]
