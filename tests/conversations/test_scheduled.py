"""Answers that wait for their time, and what people see of our reading and typing."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry, Workspace
from channels_app.contract import Retryable
from conversations import delivery, jobs, moments, reading, replies, scheduled, sending
from conversations.models import Attachment, Conversation, Message
from omnistra.core.tenancy import workspace_scope
from tests.conversations.talks import VALUES, Platform, close_window, nothing_went_out, outbound, url

LATER = timedelta(hours=2)


def schedule(talk: Conversation, member: Any, words: str = "Good morning") -> Message:
    with workspace_scope(talk.workspace_id):
        return replies.send_reply(talk, words, Actor.member(member), send_at=timezone.now() + LATER)[0]


def come_due(talk: Conversation) -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Message.objects.filter(status="scheduled").update(send_at=timezone.now() - timedelta(seconds=1))


def run() -> None:
    jobs.release_scheduled()
    delivery.deliver()


def written(talk: Conversation, action: str) -> int:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return AuditEntry.objects.filter(action=action).count()


def test_it_waits_stands_under_the_thread_and_goes_out_once_when_due(client, owner, talk, member, platform):
    client.force_login(owner)
    at = timezone.now() + LATER
    assert client.post(url(talk, "reply"), {"text": "Good morning", "send_at": moments.field(at)}).status_code == 302
    run()
    assert platform.sent == [] and outbound(talk)[0].status == "scheduled"
    page = client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert "Good morning" in page and "UTC" in page
    come_due(talk)
    run()
    run()
    assert [each.text for each in platform.sent] == ["Good morning"] and outbound(talk)[0].status == "sent"
    assert written(talk, "message.scheduled") == written(talk, "message.came_due") == 1


def test_meta_086_when_due_the_window_is_asked_anew_and_nothing_goes_out(talk, member, platform):
    schedule(talk, member)
    close_window(talk)
    come_due(talk)
    run()
    message = outbound(talk)[0]
    assert platform.sent == [] and message.status == "failed" and "template" in message.error["next"]


def test_meta_109_a_template_that_was_paused_meanwhile_is_not_sent(talk, member, template, platform):
    with workspace_scope(talk.workspace_id):
        sending.send_template(talk, template, VALUES, Actor.member(member), send_at=timezone.now() + LATER)
        with transaction.atomic():
            type(template).objects.update(status="paused")
    come_due(talk)
    run()
    assert platform.sent == [] and outbound(talk)[0].status == "failed"


def test_until_then_it_can_be_changed_or_cancelled(client, owner, talk, member, platform):
    client.force_login(owner)
    message = schedule(talk, member)
    at = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    address = f"/w/northwind/messages/{message.pk}/"
    assert client.post(address + "reschedule/", {"text": "Hi", "send_at": moments.field(at)}).status_code == 302
    changed = outbound(talk)[0]
    assert (changed.text, changed.send_at) == ("Hi", at)
    assert client.post(address + "reschedule/", {"text": "x" * 4097, "send_at": moments.field(at)}).status_code == 422
    assert outbound(talk)[0].text == "Hi"
    assert client.post(address + "cancel/").status_code == 302
    come_due(talk)
    run()
    assert nothing_went_out(talk, platform)
    assert written(talk, "message.schedule_changed") == written(talk, "message.schedule_cancelled") == 1


def test_what_is_on_its_way_can_neither_be_changed_nor_cancelled(talk, member, platform):
    message = schedule(talk, member)
    come_due(talk)
    run()
    with workspace_scope(talk.workspace_id):
        for act in (scheduled.cancel, scheduled.change):
            with pytest.raises(replies.Refused):
                act(message.pk, Actor.member(member))
    assert outbound(talk)[0].status == "sent"


@pytest.mark.parametrize("at", [timedelta(seconds=-5), timedelta(seconds=5), timedelta(days=91)])
def test_a_time_past_or_too_far_is_refused(client, owner, talk, platform, at):
    client.force_login(owner)
    answer = client.post(url(talk, "reply"), {"text": "Hi", "send_at": (timezone.now() + at).isoformat()})
    assert answer.status_code == 422 and nothing_went_out(talk, platform)
    nonsense = client.post(url(talk, "reply"), {"text": "Hi", "send_at": "2027-13-45T99:99"})
    assert nonsense.status_code == 422 and nothing_went_out(talk, platform)


def test_the_api_schedules_changes_and_cancels(talk, api, platform):
    at = timezone.now() + LATER

    def call(method: str, address: str, body: Any = None) -> Any:
        return getattr(api, method)(address, json.dumps(body), content_type="application/json")

    made = call("post", f"/api/v1/conversations/{talk.pk}/messages/", {"text": "Hi", "send_at": at.isoformat()})
    assert made.status_code == 201 and made.json()["status"] == "scheduled" and made.json()["send_at"]
    one = f"/api/v1/messages/{made.json()['id']}/"
    assert call("patch", one, {"text": "Hello"}).json()["text"] == "Hello"
    assert call("patch", one, {"send_at": "2020-01-01T00:00:00Z"}).json()["code"] == "time_past"
    assert call("delete", one).status_code == 204 and api.get(one).status_code == 404
    come_due(talk)
    run()
    assert nothing_went_out(talk, platform)


def test_a_suspended_workspace_sends_nothing_that_was_scheduled(talk, member, platform):
    schedule(talk, member)
    come_due(talk)
    Workspace.objects.filter(pk=talk.workspace_id).update(suspended_at=timezone.now())
    run()
    assert platform.sent == [] and outbound(talk)[0].status == "scheduled"


def test_one_that_cannot_be_released_holds_up_no_other(talk, member, platform, monkeypatch):
    broken, fine = schedule(talk, member, "broken"), schedule(talk, member, "fine")
    come_due(talk)
    real = scheduled._release

    def release(message_id: Any) -> int:
        if message_id == broken.pk:
            raise RuntimeError("key is away")
        return real(message_id)

    monkeypatch.setattr(scheduled, "_release", release)
    run()
    assert [each.text for each in platform.sent] == ["fine"] and fine.pk != broken.pk


@pytest.fixture
def told(talk, monkeypatch) -> list[tuple[str, bool]]:
    given: list[tuple[str, bool]] = []

    def mark_read(self, external_id, credentials, handles, message_id, *, is_typing=False):
        given.append((message_id, is_typing))

    monkeypatch.setattr(Platform, "mark_read", mark_read)
    monkeypatch.setattr(jobs.tell_read, "enqueue", lambda workspace, identity: run_job(workspace, identity, False))
    monkeypatch.setattr(jobs.tell_typing, "enqueue", lambda workspace, identity: run_job(workspace, identity, True))
    return given


def run_job(workspace_id: Any, conversation_id: Any, is_typing: bool) -> None:
    def tell() -> None:
        with workspace_scope(workspace_id):
            reading.tell(conversation_id, is_typing=is_typing)

    transaction.on_commit(tell)


def test_meta_101_people_see_that_we_read_and_type_unless_the_workspace_says_no(client, owner, talk, told):
    client.force_login(owner)
    client.get(f"/w/northwind/inbox/{talk.pk}/")
    assert client.post(url(talk, "typing")).status_code == 204
    assert told == [("wamid.in", False), ("wamid.in", True)]
    assert client.post("/w/northwind/settings/workspace/read-receipts/").status_code == 302
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(unread_count=1)
    client.get(f"/w/northwind/inbox/{talk.pk}/")
    client.post(url(talk, "typing"))
    assert len(told) == 2 and written(talk, "workspace.read_receipts_changed") == 1


def test_typing_is_not_told_where_nobody_may_answer(client, owner, talk, told):
    close_window(talk)
    client.force_login(owner)
    assert client.post(url(talk, "typing")).status_code == 204
    assert told == []


def test_nothing_fails_when_the_platform_does_not_want_to_know(talk, monkeypatch):
    def refuse(self, *args, **more):
        raise Retryable("later", code=131000)

    monkeypatch.setattr(Platform, "mark_read", refuse)
    with workspace_scope(talk.workspace_id):
        assert reading.tell(talk.pk, is_typing=True) is False


def test_a_cancelled_file_is_forgotten(client, owner, talk, member, platform):
    client.force_login(owner)
    file = SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 20, "image/png")
    at = moments.field(timezone.now() + LATER)
    assert client.post(url(talk, "reply"), {"text": "Look", "send_at": at, "files": [file]}).status_code == 302
    message = outbound(talk)[0]
    assert (message.type, message.status) == ("image", "scheduled")
    assert client.post(f"/w/northwind/messages/{message.pk}/cancel/").status_code == 302
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert not Attachment.objects.exists()
    assert nothing_went_out(talk, platform)
