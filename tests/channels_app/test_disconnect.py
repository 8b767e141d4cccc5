"""Disconnecting, with and without erasing what came by the channel."""

import pytest
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Membership
from accounts.roles import Role
from channels_app import connect as connecting
from channels_app.contract import ChannelFacts
from channels_app.models import Channel, ChannelLogin
from channels_app.providers.whatsapp.provider import WhatsApp
from channels_app.records import user_hash
from conversations.models import Contact, Conversation, Message
from omnistra.core.tenancy import workspace_scope
from privacy import jobs, retention
from privacy.models import PurgeRun
from tests.conversations.webhooks import connect, deliver, text


@pytest.fixture
def channels(workspace, monkeypatch) -> list[Channel]:
    """Two numbers, each with a conversation."""
    monkeypatch.setattr(WhatsApp, "unsubscribe", lambda *_: None)
    found = [connect(workspace), connect(workspace, "210000000000502")]
    for index, channel in enumerate(found):
        deliver((channel, text(f"wamid.{index}", f"Hello {index}", timezone.now(), number=f"49170111223{index}")))
    with workspace_scope(workspace.pk):
        ChannelLogin.objects.create(channel=found[0], app="meta", user_id="7", user_hash=user_hash("meta", "7"))
    return found


def left(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return sorted(each.content["text"] for each in Message.objects.all())


def test_without_the_name_nothing_is_erased(client, owner, workspace, channels):
    client.force_login(owner)
    address = f"/w/northwind/settings/channels/{channels[0].pk}/disconnect/"
    for form in ({}, {"confirm": "1", "erase": "northwind"}, {"erase": "Northwind"}):
        assert client.post(address, form).status_code == 422
    with workspace_scope(workspace.pk):
        assert Channel.objects.get(pk=channels[0].pk).status == "active" and not PurgeRun.objects.exists()
    assert client.post(address, {"confirm": "1"}).status_code == 302
    jobs.erase_channels()
    assert left(workspace) == ["Hello 0", "Hello 1"]
    with workspace_scope(workspace.pk):
        assert not ChannelLogin.objects.exists()


@pytest.mark.clause("4d")
def test_with_the_name_typed_everything_of_that_channel_goes_and_nothing_else(client, owner, workspace, channels):
    client.force_login(owner)
    address = f"/w/northwind/settings/channels/{channels[0].pk}/disconnect/"
    assert client.post(address, {"confirm": "1", "erase": "Northwind"}).status_code == 302
    with workspace_scope(workspace.pk):
        assert retention.begin(PurgeRun.Trigger.MEMBER, retention.current().selection()).trigger == "member"
    jobs.erase_channels()
    jobs.erase_channels()
    assert left(workspace) == ["Hello 1"]
    with workspace_scope(workspace.pk):
        assert Conversation.objects.count() == Contact.objects.count() == 1
        run = PurgeRun.objects.get(trigger="channel")
        assert run.finished_at is not None and run.counts["messages"] == 1


def test_a_number_that_was_disconnected_here_may_be_connected_elsewhere_and_its_messages_go_there(
    workspace, other, owner, channels, monkeypatch
):
    ours = channels[0]
    facts = ChannelFacts(name="Elsewhere", address=ours.address)
    monkeypatch.setattr(WhatsApp, "check", lambda *_: facts)
    monkeypatch.setattr(WhatsApp, "subscribe", lambda *_: None)
    wanted = connecting.Wanted("whatsapp", ours.external_id, ours.account_id, "EAAG-other", terms_accepted=True)
    with workspace_scope(other.pk):
        member = Membership.objects.first() or Membership.objects.create(user=owner, role=Role.OWNER)
        with pytest.raises(connecting.NotConnected, match="connected to another workspace"):
            connecting.connect(wanted, Actor.member(member), member)
    with workspace_scope(workspace.pk):
        connecting.disconnect(ours, Actor.member(Membership.objects.first()))
    with workspace_scope(other.pk):
        theirs = connecting.connect(wanted, Actor.member(member), member)
    deliver((theirs, text("wamid.new", "for the new one", timezone.now())))
    assert left(other) == ["for the new one"] and "for the new one" not in left(workspace)
    with workspace_scope(workspace.pk), pytest.raises(connecting.NotConnected, match="connected to another workspace"):
        connecting.reconnect(ours, "EAAG-again", Actor.member(Membership.objects.first()))
    with workspace_scope(workspace.pk):
        assert Channel.objects.get(pk=ours.pk).status == "disconnected"
