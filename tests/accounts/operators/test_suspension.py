"""Suspending a workspace: two steps, a reason, nobody in, nothing out, nothing lost."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client

from accounts.audit import Actor
from accounts.models import ApiKey, AuditEntry, OperatorAction, User
from accounts.roles import Permission
from conversations import delivery, replies
from conversations.models import Conversation, Delivery, Message
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conversations.test_delivery import Platform, registry
from tests.conversations.webhooks import connect, deliver, text
from tests.factors import sign_in_with_factor

NOW = datetime.now(UTC)
REASON = "Payment fraud reported by the bank"


@pytest.fixture
def desk(db) -> Client:
    client = Client()
    sign_in_with_factor(client, User.objects.create_superuser("op@omnistra.example", None, name="Op"))
    return client


def step(desk, workspace, name: str, **more):
    body = {"reason": REASON, "confirm": workspace.slug, **more}
    return desk.post(f"/admin/accounts/workspace/{workspace.pk}/{name}/", body)


@pytest.mark.clause("12a")
def test_a_suspended_workspace_lets_nobody_in_sends_nothing_and_loses_nothing(
    committed, desk, workspace, owner, member, monkeypatch
):
    platform = Platform()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", platform)
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "hello", NOW)))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            talk = Conversation.objects.select_related("channel").get()
            _, secret = ApiKey.issue("all", [str(each) for each in Permission], owner)
        replies.send_reply(talk, "waits", Actor.member(member))
    assert step(desk, workspace, "suspend").status_code == 302
    person, key = Client(), Client(headers={"Authorization": f"Bearer {secret}"})
    person.force_login(owner)
    answer = person.get(f"/w/{workspace.slug}/inbox/")
    assert answer.status_code == 403 and "suspended" in answer.content.decode()
    answer = key.get("/api/v1/conversations/")
    assert answer.status_code == 403 and answer.json()["code"] == "workspace_suspended"
    delivery.deliver()
    deliver((channel, text("wamid.2", "still there?", NOW)))
    with workspace_scope(workspace.pk), transaction.atomic():
        assert platform.sent == [] and Delivery.objects.get().state == "queued"
        assert Message.objects.filter(direction="inbound").count() == 2
        assert AuditEntry.objects.filter(action="workspace.suspended", actor_kind="operator").count() == 1
    with system_scope("test"), transaction.atomic():
        assert OperatorAction.objects.get().reason == REASON
    assert step(desk, workspace, "resume").status_code == 302
    delivery.deliver()
    assert platform.sent == ["waits"]
    assert person.get(f"/w/{workspace.slug}/inbox/").status_code == 200
    assert key.get("/api/v1/conversations/").status_code == 200


@pytest.mark.parametrize("change", [{"reason": ""}, {"reason": "short"}, {"confirm": ""}, {"confirm": "elsewhere"}])
def test_without_reason_and_typed_name_nothing_happens(desk, workspace, change):
    assert desk.get(f"/admin/accounts/workspace/{workspace.pk}/suspend/").status_code == 200
    assert step(desk, workspace, "suspend", **change).status_code == 422
    workspace.refresh_from_db()
    assert workspace.suspended_at is None
    with system_scope("test"):
        assert not OperatorAction.objects.exists()


def test_a_member_cannot_suspend(workspace, owner):
    client = Client()
    client.force_login(owner)
    assert step(client, workspace, "suspend").status_code in (302, 403)
    workspace.refresh_from_db()
    assert workspace.suspended_at is None


def test_suspending_twice_says_so(desk, workspace):
    step(desk, workspace, "suspend")
    answer = desk.post(
        f"/admin/accounts/workspace/{workspace.pk}/suspend/", {"reason": REASON, "confirm": workspace.slug}, follow=True
    )
    assert "so already" in answer.content.decode()
    with system_scope("test"):
        assert OperatorAction.objects.count() == 1
