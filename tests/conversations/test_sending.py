"""Templates, choices, reactions, places and cards: from page and API, through the outbox to the platform."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from channels_app.contract import Permanent, Person, Retryable
from channels_app.templates import jobs as channel_jobs
from conversations import delivery, identities, opt_ins, replies, sending
from conversations.models import Conversation, Message
from omnistra.core.tenancy import workspace_scope
from tests.conversations.talks import COMPONENTS, NOW, VALUES, close_window, nothing_went_out, outbound, url
from tests.conversations.webhooks import LENA, deliver, status


def test_meta_086_with_the_window_closed_words_are_refused_and_a_template_is_offered_and_goes_out(
    client, owner, talk, template, platform
):
    close_window(talk)
    client.force_login(owner)
    refused = client.post(url(talk, "reply"), {"text": "too late"})
    assert refused.status_code == 422 and nothing_went_out(talk, platform)
    page = client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert url(talk, "template") in page and "Send a template" in page
    form = {"template": str(template.pk), "body.first_name": "Rui"}
    assert client.post(url(talk, "template"), form).status_code == 302
    delivery.deliver()
    sent = platform.sent[0].template
    assert (sent.name, sent.language, sent.category) == ("order_ready", "en", "utility")
    assert sent.components[0]["parameters"] == [{"type": "text", "parameter_name": "first_name", "text": "Rui"}]
    message = outbound(talk)[0]
    assert (message.type, message.status, message.content["category"]) == ("template", "sent", "utility")
    page = client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert "Hello Rui, your order is ready" in page and "Northwind Tea" in page and "Thanks" in page


def test_the_picker_works_without_a_script_and_keeps_values_out_of_the_address(client, owner, talk, template, platform):
    client.force_login(owner)
    page = client.get(url(talk, "template") + f"?template={template.pk}").content.decode()
    assert 'name="body.first_name"' in page and "[first_name]" in page
    form = {"template": str(template.pk), "body.first_name": "Rui", "preview": "1"}
    shown = client.post(url(talk, "template"), form)
    assert shown.status_code == 200 and "Rui" in shown.content.decode() and "Rui" not in shown.request["QUERY_STRING"]
    assert nothing_went_out(talk, platform)
    missing = client.post(url(talk, "template"), {"template": str(template.pk), "body.first_name": ""})
    assert missing.status_code == 422 and "refuses an empty value" in missing.content.decode()
    assert nothing_went_out(talk, platform)


@pytest.mark.parametrize("state", ["pending", "rejected", "paused", "disabled"])
def test_meta_109_a_template_that_is_not_approved_is_not_sent(talk, member, template, platform, state):
    template.status = state
    with workspace_scope(talk.workspace_id), pytest.raises(replies.Refused) as refused:
        sending.send_template(talk, template, VALUES, Actor.member(member))
    assert refused.value.code == "template_not_usable" and refused.value.next_step
    assert nothing_went_out(talk, platform)


def test_the_same_form_twice_is_one_message(client, owner, talk, template, platform):
    client.force_login(owner)
    form = {"template": str(template.pk), "body.first_name": "Rui", "nonce": str(UUID(int=7))}
    for _ in range(2):
        assert client.post(url(talk, "template"), form).status_code == 302
    delivery.deliver()
    assert len(platform.sent) == len(outbound(talk)) == 1


@pytest.mark.parametrize("code", [132000, 132001, 132012])
def test_meta_097_a_template_refusal_is_shown_and_the_list_is_fetched_again(
    talk, member, template, platform, monkeypatch, code
):
    woken = []
    monkeypatch.setattr(channel_jobs.fetch_templates, "enqueue", lambda *ids: woken.append(ids))
    platform.outcomes = [Permanent("No", code=code, detail="body: parameter 2 is missing")]
    with workspace_scope(talk.workspace_id):
        sending.send_template(talk, template, VALUES, Actor.member(member))
    delivery.deliver()
    message = outbound(talk)[0]
    assert (message.status, message.error["detail"]) == ("failed", "body: parameter 2 is missing")
    assert woken == [(talk.workspace_id, talk.channel_id)]


def test_meta_097_a_paused_template_waits_and_the_list_is_fetched_again(talk, member, template, platform, monkeypatch):
    woken = []
    monkeypatch.setattr(channel_jobs.fetch_templates, "enqueue", lambda *ids: woken.append(ids))
    platform.outcomes = [Retryable("Meta paused this template.", code=132015, after=timedelta(hours=3))]
    with workspace_scope(talk.workspace_id):
        sending.send_template(talk, template, VALUES, Actor.member(member))
    delivery.deliver()
    assert (outbound(talk)[0].status, platform.sent) == ("queued", [])
    assert woken == [(talk.workspace_id, talk.channel_id)]


def test_meta_097_the_same_by_a_failed_status(talk, member, template, platform, monkeypatch):
    woken = []
    monkeypatch.setattr(channel_jobs.fetch_templates, "enqueue", lambda *ids: woken.append(ids))
    with workspace_scope(talk.workspace_id):
        sending.send_template(talk, template, VALUES, Actor.member(member))
    delivery.deliver()
    deliver((talk.channel, status("wamid.out1", "failed", NOW, code=132015)))
    assert outbound(talk)[0].status == "failed" and len(woken) == 1


def test_buttons_and_lists_go_out_from_the_page_and_stand_in_the_thread(client, owner, talk, platform):
    client.force_login(owner)
    form = {"text": "Shall we send it today?", "kind": "buttons", "buttons": ["Yes, today", "Wait", ""]}
    assert client.post(url(talk, "choices"), form).status_code == 302
    rows = {"text": "When?", "kind": "list", "button": "Times", "rows": "09:00 | Wednesday morning\n10:00"}
    assert client.post(url(talk, "choices"), rows).status_code == 302
    delivery.deliver()
    buttons, listed = (message.choices for message in platform.sent)
    assert [each.title for each in buttons.buttons] == ["Yes, today", "Wait"] and not buttons.sections
    assert [(row.title, row.description) for row in listed.sections[0][1]] == [
        ("09:00", "Wednesday morning"),
        ("10:00", ""),
    ]
    page = client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert "Yes, today" in page and "10:00" in page


def test_meta_100_too_many_buttons_are_refused_on_page_and_api_with_the_limit(client, owner, talk, api, platform):
    client.force_login(owner)
    long = client.post(url(talk, "choices"), {"text": "Pick", "kind": "buttons", "buttons": ["x" * 21]})
    assert long.status_code == 422 and "20" in long.content.decode()
    rows = client.post(
        url(talk, "choices"), {"text": "Pick", "kind": "list", "button": "Go", "rows": "\n".join("abcdefghijk")}
    )
    assert rows.status_code == 422 and "10 rows" in rows.content.decode()
    buttons = [{"id": str(number), "title": str(number)} for number in range(4)]
    for body in (
        {"text": "Pick", "choices": {"buttons": buttons}}, {"text": "x" * 4097},
        {"text": "x" * 1025, "choices": {"buttons": buttons[:1]}},
    ):  # fmt: skip
        assert post(api, talk, body).status_code == 422
    assert nothing_went_out(talk, platform)


def react(client: Client, message: Message, emoji: str) -> Any:
    return client.post(f"/w/northwind/messages/{message.pk}/react/", {"emoji": emoji})


def test_a_reaction_is_set_changed_and_taken_back_as_one_mark(client, owner, talk, api, platform):
    client.force_login(owner)
    with workspace_scope(talk.workspace_id), transaction.atomic():
        theirs = Message.objects.get(direction="inbound")
    for emoji in ("👍", "🙏", ""):
        assert react(client, theirs, emoji).status_code == 302
        delivery.deliver()
    assert [(each.reaction, each.reply_to) for each in platform.sent] == [
        ("👍", "wamid.in"), ("🙏", "wamid.in"), ("", "wamid.in"),
    ]  # fmt: skip
    react(client, theirs, "🎉")
    page = client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert 'aria-label="🎉 by you"' in page and 'aria-label="👍 by you"' not in page
    listed = api.get(f"/api/v1/conversations/{talk.pk}/messages/").json()["results"]
    assert [each["type"] for each in listed] == ["text"]
    assert [(each["emoji"], each["contact"]) for each in listed[0]["reactions"]] == [("🎉", None)]
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Conversation.objects.get().last_message_at == NOW
        assert AuditEntry.objects.filter(action="message.reacted").count() == 4


def test_a_reaction_that_is_no_emoji_or_comes_too_late_is_refused(client, owner, talk, platform):
    client.force_login(owner)
    with workspace_scope(talk.workspace_id), transaction.atomic():
        theirs = Message.objects.get(direction="inbound")
    assert react(client, theirs, "hello").status_code == 422
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Message.objects.update(provider_at=timezone.now() - timedelta(days=31))
    assert react(client, theirs, "👍").status_code == 422
    assert nothing_went_out(talk, platform)


def post(api: Client, talk: Conversation, body: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    address = f"/api/v1/conversations/{talk.pk}/messages/"
    return api.post(address, json.dumps(body), content_type="application/json", headers=headers)


def test_the_api_sends_every_kind_once_a_key(talk, template, api, platform):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        theirs = Message.objects.get(direction="inbound")
    bodies: list[dict[str, Any]] = [
        {"template": {"name": "order_ready", "language": "en", "values": VALUES}},
        {"type": "choices", "text": "Pick", "choices": {"buttons": [{"id": "a", "title": "A"}]}},
        {"location": {"latitude": 41.1496, "longitude": -8.6109, "name": "Northwind Tea"}},
        {"contacts": [{"name": "Northwind Support", "phones": ["+493012345678"]}], "reply_to": str(theirs.pk)},
        {"reaction": {"message": str(theirs.pk), "emoji": "👍"}},
    ]
    for number, body in enumerate(bodies):
        first, again = (post(api, talk, body, f"key-{number}") for _ in range(2))
        assert first.status_code == again.status_code == 201 and first.json()["id"] == again.json()["id"]
    for _ in bodies:
        delivery.deliver()
    assert len(platform.sent) == len(bodies)
    used, choices, place, cards, mark = platform.sent
    assert used.template.name == "order_ready" and choices.choices.buttons[0].id == "a"
    assert place.location["name"] == "Northwind Tea" and cards.cards[0]["name"] == "Northwind Support"
    assert cards.reply_to == "wamid.in" and mark.reaction == "👍"
    answer = api.get(f"/api/v1/messages/{post(api, talk, bodies[0], 'key-0').json()['id']}/").json()
    assert answer["template"] == {"name": "order_ready", "language": "en", "category": "utility"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"type": "template", "text": "x"}, 400), ({"type": "text", "template": {"name": "x"}, "text": "x"}, 400),
        ({"text": "x", "location": {"latitude": 1, "longitude": 1}, "contacts": [{"name": "x"}]}, 400),
        ({"template": {"name": "order_ready", "language": "en", "values": {}}}, 400),
        ({"template": {"name": "nothing", "language": "en"}}, 422),
        ({"location": {"latitude": "x", "longitude": 1}}, 400), ({"choices": {"buttons": "x"}, "text": "y"}, 400),
        ({"reaction": {"message": "00000000-0000-0000-0000-000000000000", "emoji": "👍"}}, 404),
    ],
)  # fmt: skip
def test_what_makes_no_message_is_refused_and_nothing_is_written(talk, template, api, platform, body, status):
    assert post(api, talk, body).status_code == status
    assert nothing_went_out(talk, platform)


def knows(talk: Conversation, number: str) -> UUID:
    """A contact who has not written."""
    person = (Person({"wa_id": number}, "Rui"), NOW)
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return identities.resolve(talk.workspace_id, "whatsapp", [person])[0]


def test_a_first_word_by_the_api_is_a_template_to_somebody_known(talk, template, api, platform):
    close_window(talk)
    body = {"channel": str(talk.channel_id), "to": f"+{LENA}"}
    used = {"template": {"id": str(template.pk), "values": VALUES}}

    def first(more: dict[str, Any], to: str = "") -> Any:
        return api.post(
            "/api/v1/messages/", json.dumps(body | more | ({"to": to} if to else {})), content_type="application/json"
        )

    other = knows(talk, "491709998877")
    assert first(used, "+491709998877").json()["code"] == "needs_opt_in"
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Conversation.objects.count() == 1, "a refused first word opens no conversation"
        opt_ins.record(opt_ins.Entry(other, "whatsapp", "utility", True, "website", NOW, wording="Yes."), SYSTEM)
    assert first({"text": "Hi"}).json()["code"] == "window_closed"
    assert first(used, "+49170999").json()["code"] == "needs_opt_in"
    assert nothing_went_out(talk, platform)
    assert first(used).status_code == first(used, "+491709998877").status_code == 201
    delivery.deliver()
    assert [each.template.name for each in platform.sent] == ["order_ready"] * 2
    assert {each.handles["wa_id"] for each in platform.sent} == {LENA, "491709998877"}


@pytest.mark.clause("4c")
def test_meta_102_without_an_opt_in_no_door_lets_a_template_out(client, owner, talk, template, api, platform):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        everything = opt_ins.ALL
        opt_ins.withdraw(talk.contact_id, "whatsapp", everything, SYSTEM, timezone.now())
    client.force_login(owner)
    form = {"template": str(template.pk), "body.first_name": "Rui"}
    refused = client.post(url(talk, "template"), form)
    assert refused.status_code == 422 and "asked you to stop" in refused.content.decode()
    assert client.post(url(talk, "template"), form | {"send_at": "2100-01-01T10:00"}).status_code == 422
    assert post(api, talk, {"template": {"id": str(template.pk), "values": VALUES}}).json()["code"] == "opted_out"
    assert "Send a template" not in client.get(f"/w/northwind/inbox/{talk.pk}/").content.decode()
    assert nothing_went_out(talk, platform)


def test_a_template_with_a_file_above_it_needs_the_file(talk, member, template, platform):
    template.components = [{"type": "HEADER", "format": "DOCUMENT"}, *COMPONENTS]
    with workspace_scope(talk.workspace_id), pytest.raises(replies.Refused) as refused:
        sending.send_template(talk, template, VALUES, Actor.member(member))
    assert refused.value.code == "template_file" and nothing_went_out(talk, platform)
