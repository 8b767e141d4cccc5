"""Connecting a number by its page."""

import pytest

from accounts.roles import Role
from channels_app.contract import ChannelFacts, CredentialsRefused
from channels_app.models import Channel
from channels_app.providers.whatsapp.provider import WhatsApp
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join

LIST = "/w/northwind/settings/channels/"
URL = LIST + "whatsapp/connect/"
TOKEN = "EAAcanarytoken123"
FORM = {"external_id": "1001", "account_id": "2001", "token": TOKEN}


@pytest.fixture
def meta(monkeypatch) -> None:
    """A platform that takes the token."""
    monkeypatch.setattr(WhatsApp, "check", lambda *_: ChannelFacts("Northwind Tea", "+44 20 7946 0000"))
    monkeypatch.setattr(WhatsApp, "subscribe", lambda *_: None)
    monkeypatch.setattr(WhatsApp, "unsubscribe", lambda *_: None)


def test_no_channel_without_the_terms(client, owner, workspace, meta) -> None:
    client.force_login(owner)
    answer = client.post(URL, FORM)
    assert answer.status_code == 422 and TOKEN not in answer.content.decode()
    with workspace_scope(workspace.pk):
        assert not Channel.objects.exists()


def test_the_token_is_in_no_page_after_connecting(client, owner, workspace, meta) -> None:
    client.force_login(owner)
    answer = client.post(URL, FORM | {"terms_accepted": "on"})
    assert answer.status_code == 302
    detail = answer["Location"]
    for address in (detail, LIST, URL):
        page = client.get(address)
        assert page.status_code == 200 and TOKEN not in page.content.decode()
    unconfirmed = client.post(detail + "disconnect/")
    assert unconfirmed.status_code == 422
    assert client.post(detail + "disconnect/", {"confirm": "1"}).status_code == 302
    with workspace_scope(workspace.pk):
        channel = Channel.objects.get()
        assert channel.status == Channel.Status.DISCONNECTED and channel.credentials is None


def test_a_refused_token_shows_what_meta_said(client, owner, workspace, monkeypatch) -> None:
    def refuse(*_: object) -> ChannelFacts:
        raise CredentialsRefused("Session has expired", code=190)

    monkeypatch.setattr(WhatsApp, "check", refuse)
    client.force_login(owner)
    answer = client.post(URL, FORM | {"terms_accepted": "on"})
    assert answer.status_code == 422
    assert "Session has expired" in answer.content.decode() and TOKEN not in answer.content.decode()


def test_an_agent_sees_channels_and_may_not_connect(client, workspace) -> None:
    client.force_login(join(workspace, Role.AGENT))
    assert client.get(LIST).status_code == 200
    assert client.get(URL).status_code == 403
    assert client.post(URL, FORM).status_code == 403


def test_a_foreign_workspace_is_not_found(client, owner, workspace, other) -> None:
    client.force_login(owner)
    assert client.get("/w/elsewhere/settings/channels/").status_code == 404
    assert client.post("/w/elsewhere/settings/channels/whatsapp/connect/", FORM).status_code == 404
