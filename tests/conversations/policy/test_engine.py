"""The decision: windows to the second, who may, what a tag needs; the same at every door."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import ApiKey, AuditEntry
from channels_app.models import Channel
from conversations import delivery, policy, replies
from conversations.models import Contact, Delivery, Message
from conversations.policy import Outgoing, Refused
from omnistra.core.tenancy import workspace_scope
from tests.conversations.policy.conftest import again, change

INSIDE = timedelta(hours=23, minutes=59)
OUTSIDE = timedelta(hours=24, seconds=1)
ROBOT = Actor(AuditEntry.Actor.API_KEY, uuid4())
RULE = Actor(AuditEntry.Actor.SYSTEM, uuid4())
MARKETING = Outgoing(is_template=True, category="marketing")
UTILITY = Outgoing(is_template=True, category="utility")


def by_page(talk, workspace, owner) -> str:
    """Answer in the composer; gives the refusal's words or ""."""
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post(f"/w/{workspace.slug}/inbox/{talk.pk}/reply/", {"text": "hi"})
    return "" if answer.status_code == 302 else answer.content.decode()


def by_api(talk, workspace, owner) -> str:
    """Answer with a key."""
    with workspace_scope(workspace.pk), transaction.atomic():
        _, secret = ApiKey.issue("robot", ["conversations.reply", "conversations.view"], None)
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"/api/v1/conversations/{talk.pk}/messages/"
    answer = Client().post(url, {"text": "hi"}, content_type="application/json", headers=headers)
    return "" if answer.status_code == 201 else answer.json()["detail"]


def by_program(talk, workspace, owner) -> str:
    """Answer as a program does that is no page and no endpoint: through the flow."""
    with workspace_scope(workspace.pk):
        try:
            replies.send_reply(talk, "hi", ROBOT)
        except Refused as refused:
            return str(refused)
    return ""


@pytest.mark.clause("3f")
@pytest.mark.clause("5c")
@pytest.mark.parametrize("door", [by_page, by_api, by_program])
def test_meta_086_the_window_to_the_second_is_the_same_at_every_door(talk, workspace, owner, platform, clock, door):
    change(talk, last_inbound_at=clock.now - OUTSIDE)
    said = door(talk, workspace, owner)
    assert "The reply window closed" in said
    assert "you can send a template" in said
    delivery.deliver()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Message.objects.filter(direction="outbound").exists() and not Delivery.objects.exists()
        assert not AuditEntry.objects.filter(action="conversation.replied").exists()
    assert platform.sent == []
    change(talk, last_inbound_at=clock.now - INSIDE)
    assert door(talk, workspace, owner) == ""
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["hi"]


@pytest.mark.clause("3f")
def test_meta_086_what_was_queued_in_time_and_comes_too_late_is_refused_before_the_call(talk, member, platform, clock):
    change(talk, last_inbound_at=clock.now - INSIDE)
    with workspace_scope(talk.workspace_id):
        message = replies.send_reply(talk, "hi", Actor.member(member))[0]
    clock.go(seconds=61)
    delivery.deliver()
    assert platform.sent == []
    with workspace_scope(talk.workspace_id), transaction.atomic():
        stored = Message.objects.get(pk=message.pk)
        assert stored.status == "failed" and "template" in stored.error["next"]


@pytest.mark.clause("3f")
@pytest.mark.parametrize(
    ("ago", "human", "robot"),
    [
        (INSIDE, ("", ""), ""),
        (OUTSIDE, ("", "HUMAN_AGENT"), "window_closed"),
        (timedelta(days=7) - timedelta(seconds=1), ("", "HUMAN_AGENT"), "window_closed"),
        (timedelta(days=7), ("window_closed", ""), "window_closed"),
        (None, ("window_never_open", ""), "window_never_open"),
    ],
)
def test_meta_138_165_seven_days_are_for_people_alone(page_talk, member, clock, ago, human, robot):
    change(page_talk, last_inbound_at=clock.now - ago if ago else None)
    with workspace_scope(page_talk.workspace_id), transaction.atomic():
        said = policy.verdict(again(page_talk), Actor.member(member))
        assert (said.refused.code if said.refused else "", said.tag) == human
        assert bool(said.notice) == bool(said.tag)
        for by in (ROBOT, RULE):
            refused = policy.why_not(again(page_talk), by)
            assert (refused.code if refused else "") == robot


@pytest.mark.clause("3f")
def test_meta_138_a_persons_late_answer_carries_the_tag_and_a_keys_is_refused(page_talk, member, key, page, clock):
    change(page_talk, last_inbound_at=clock.now - timedelta(days=2))
    with workspace_scope(page_talk.workspace_id):
        replies.send_reply(page_talk, "by hand", Actor.member(member))
        with pytest.raises(Refused) as refused:
            replies.send_reply(page_talk, "by robot", Actor.api_key(key.pk))
    assert refused.value.code == "window_closed"
    delivery.deliver()
    assert [(each.text, each.tag) for each in page.sent] == [("by hand", "HUMAN_AGENT")]


def test_meta_138_the_composer_offers_the_late_answer_with_a_notice_and_its_own_clock(page_talk, owner, workspace):
    change(page_talk, last_inbound_at=timezone.now() - timedelta(days=2))
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    shown = client.get(f"/w/{workspace.slug}/inbox/{page_talk.pk}/").content.decode()
    assert "Human Agent" in shown and 'data-state="open"' in shown and "closes in 4 d 23 h" in shown
    change(page_talk, last_inbound_at=timezone.now() - timedelta(days=8))
    shown = client.get(f"/w/{workspace.slug}/inbox/{page_talk.pk}/").content.decode()
    assert "Human Agent" not in shown and 'data-state="blocked"' in shown


@pytest.mark.parametrize("by", [ROBOT, RULE])
def test_meta_138_a_program_that_asks_for_the_human_tag_is_refused(page_talk, clock, by):
    with workspace_scope(page_talk.workspace_id), transaction.atomic():
        assert policy.why_not(page_talk, by, Outgoing(tag="HUMAN_AGENT")).code == "human_only"
        assert policy.why_not(page_talk, None, Outgoing(tag="HUMAN_AGENT")) is None


@pytest.mark.parametrize("tag", ["ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE"])
def test_meta_139_ended_tags_are_refused_for_everybody(page_talk, member, tag):
    with workspace_scope(page_talk.workspace_id), transaction.atomic():
        for by in (Actor.member(member), ROBOT, RULE):
            assert policy.why_not(page_talk, by, Outgoing(tag=tag)).code == "tag_ended"


def test_a_platform_without_templates_says_so(page_talk):
    with workspace_scope(page_talk.workspace_id), transaction.atomic():
        assert policy.why_not(page_talk, None, UTILITY).code == "no_templates"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"held_by": "app-7"}, "other_app"),
        ({"blocked_at": "now"}, "blocked"),
        ({"unreachable_at": "now"}, "not_reachable"),
    ],
)
def test_what_stands_between_us_and_the_person_is_the_same_for_people_and_programs(talk, member, clock, values, code):
    change(talk, **{name: clock.now if value == "now" else value for name, value in values.items()})
    with workspace_scope(talk.workspace_id), transaction.atomic():
        for by in (Actor.member(member), ROBOT, RULE):
            for what in (policy.FREE, UTILITY):
                refused = policy.why_not(again(talk), by, what)
                assert refused.code == code and refused.reason and refused.next_step


def test_a_person_who_writes_can_be_reached_again(talk, clock):
    change(talk, unreachable_at=clock.now, last_inbound_at=clock.now + timedelta(seconds=1))
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert policy.why_not(again(talk)) is None


def test_meta_044_a_changed_security_code_stops_programs_until_a_person_confirms(talk, owner, workspace, clock):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Contact.objects.update(identity_changed_at=clock.now)
        assert policy.why_not(talk) is None, "somebody has to ask them"
        assert policy.why_not(talk, ROBOT, MARKETING).code == "identity_changed"
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    url = f"/w/{workspace.slug}/inbox/{talk.pk}/"
    assert "Is it still them?" in client.get(url).content.decode()
    assert client.post(f"{url}confirm/").status_code == 302
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert policy.why_not(again(talk), ROBOT) is None
        assert AuditEntry.objects.get(action="contact.confirmed").target_id == talk.contact_id


@pytest.mark.parametrize(
    ("status", "reason", "code", "words"),
    [
        ("disconnected", "", "channel_disconnected", "disconnected"),
        ("reconnect", "token_refused", "channel_reconnect", "token"),
        ("stopped", "unpaid", "channel_stopped", "payment"),
        ("stopped", "something_new", "channel_stopped", "takes no messages"),
    ],
)
def test_a_channel_that_stands_still_says_why(talk, status, reason, code, words):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Channel.objects.update(status=status, status_reason=reason)
        for by, what in ((None, policy.FREE), (ROBOT, UTILITY)):
            refused = policy.why_not(again(talk), by, what)
            assert refused.code == code and words in refused.reason and refused.next_step


def test_facts_are_looked_up_in_as_many_queries_for_many_as_for_one(talk, django_assert_max_num_queries):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        contacts = [Contact.objects.create().pk for _ in range(30)] + [talk.contact_id]
        with django_assert_max_num_queries(12):
            facts = policy.facts_about(talk.channel, contacts)
        assert set(facts) == set(contacts)
        codes = {who: (said := policy.decide(each, ROBOT)).refused and said.refused.code for who, each in facts.items()}
        assert codes.pop(talk.contact_id) is None and set(codes.values()) == {"window_never_open"}
