"""A Meta app of the workspace's own: its webhooks, its secret (conformance case 11)."""

import hashlib
import hmac

import pytest
from django.utils import timezone

from channels_app.models import OwnApp, RawEvent
from conversations import ingest
from conversations.models import Message
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conversations.webhooks import body, connect, text

SECRET = "an-own-app-secret-000001"
PAGE = "/w/northwind/settings/channels/app/"


def own(workspace, secret: str) -> OwnApp:
    with workspace_scope(workspace.pk):
        return OwnApp.objects.create(app="meta", app_id="990011223344", secret=secret, verify_token=f"vt-{secret}")


def post(client, address: str, content: bytes, secret: str):
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return client.post(
        address, content, content_type="application/json", headers={"X-Hub-Signature-256": f"sha256={signature}"}
    )


def stored() -> int:
    with system_scope("test"):
        return RawEvent.objects.count()


def messages(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return [each.content["text"] for each in Message.objects.all()]


@pytest.mark.clause("3b")
def test_meta_011_only_the_own_apps_secret_opens_its_address(client, workspace, other):
    mine, theirs = own(workspace, SECRET), own(other, "another-own-app-secret-2")
    channel = connect(workspace)
    content = body((channel, text("wamid.OWN", "By our own app", timezone.now())))
    address = f"/webhooks/whatsapp/{mine.key}/"
    for secret in ("another-own-app-secret-2", "omnistra-meta-test-secret"):
        assert post(client, address, content, secret).status_code == 401
    assert post(client, "/webhooks/whatsapp/", content, SECRET).status_code == 401
    assert post(client, "/webhooks/whatsapp/unknown/", content, SECRET).status_code == 404
    assert post(client, f"/webhooks/whatsapp/{theirs.key}/", content, SECRET).status_code == 401
    assert stored() == 0
    assert post(client, address, content, SECRET).status_code == 200
    ingest.drain()
    assert messages(workspace) == ["By our own app"]


@pytest.mark.clause("3b")
def test_an_own_app_tells_of_no_other_workspaces_channels(client, workspace, other):
    forger = own(other, "another-own-app-secret-2")
    victim = connect(workspace)
    forged = body((victim, text("wamid.FORGED", "Send your money to me", timezone.now())))
    assert post(client, f"/webhooks/whatsapp/{forger.key}/", forged, "another-own-app-secret-2").status_code == 200
    ingest.drain()
    assert messages(workspace) == [] and messages(other) == []
    assert post(client, "/webhooks/whatsapp/", forged, "omnistra-meta-test-secret").status_code == 200
    ingest.drain()
    assert messages(workspace) == ["Send your money to me"]  # the real one was not hidden by the forged one


def test_the_handshake_of_an_own_app_knows_its_own_token(client, workspace):
    app = own(workspace, SECRET)
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": f"vt-{SECRET}"}
    answer = client.get(f"/webhooks/whatsapp/{app.key}/", query)
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    query["hub.verify_token"] = "vt-3f9c1a-omnistra"
    assert client.get(f"/webhooks/whatsapp/{app.key}/", query).status_code == 403


@pytest.mark.clause("2d")
def test_the_secret_is_sealed_and_shown_nowhere(client, owner, workspace):
    client.force_login(owner)
    assert client.post(PAGE, {"app": "meta", "app_id": "12", "secret": "short"}).status_code == 422
    assert client.post(PAGE, {"app": "meta", "app_id": "990011223344", "secret": SECRET}).status_code == 302
    page = client.get(PAGE).content.decode()
    with workspace_scope(workspace.pk):
        app = OwnApp.objects.get()
        assert app.key in page and app.verify_token in page and app.secret == SECRET
    assert SECRET not in page
    with system_scope("test"):
        raw = OwnApp.objects.values_list("secret", "verify_token").get()
    assert all(SECRET.encode() not in bytes(each) for each in raw)
    assert client.post(f"{PAGE}{app.pk}/remove/").status_code == 302
    assert client.get(f"/webhooks/whatsapp/{app.key}/").status_code == 404
