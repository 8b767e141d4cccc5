"""What the platform tells of a channel or its account (conformance cases 107, 108, 112 to 114, 118, 135)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.roles import Role
from channels_app import events, jobs
from channels_app.contract import AccountEvent
from channels_app.models import Channel, ChannelHealth, ChannelNotice
from conversations.models import Conversation
from conversations.policy import why_not
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join
from tests.conversations.webhooks import connect
from tests.project.rows import make


def event(kind: str, at: datetime | None = None, **facts: object) -> AccountEvent:
    return AccountEvent("", "310000000000101", kind, at, facts)


def apply(workspace, what: AccountEvent, *channels: Channel) -> int:
    with workspace_scope(workspace.pk):
        return events.apply(workspace.pk, [(what, channel) for channel in channels])


def notes(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return sorted(ChannelNotice.objects.filter(ended_at__isnull=True).values_list("kind", flat=True))


@pytest.mark.clause("4e")
def test_meta_107_a_removed_partner_disconnects_every_number_of_the_account_and_no_other(
    client, workspace, other, owner, mailoutbox
):
    a, b = connect(workspace), connect(workspace, "210000000000502")
    elsewhere = connect(other, "210000000000777", "310000000000202")
    join(workspace, Role.ADMIN), join(workspace, Role.AGENT)
    gone = event("partner_removed", reason="PRIMARY_INACTIVITY", initiated_by="SYSTEM")
    for _ in range(2):  # delivered twice
        assert apply(workspace, gone, a, b) == 2
    with workspace_scope(workspace.pk):
        for channel in Channel.objects.all():
            assert channel.status == Channel.Status.DISCONNECTED and channel.credentials is None
        assert AuditEntry.objects.filter(action="channel.cut_off").count() == 2
        conversation = make(Conversation, channel=a)
        assert (
            why_not(Conversation.objects.select_related("channel").get(pk=conversation.pk)).code
            == "channel_disconnected"
        )
    with workspace_scope(other.pk):
        assert Channel.objects.get(pk=elsewhere.pk).status == Channel.Status.ACTIVE
    jobs.tell_notices()
    jobs.tell_notices()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["admin@northwind.example"] * 2 + ["ines@northwind.example"] * 2
    assert "The token is deleted" in mailoutbox[0].body and "EAAG" not in mailoutbox[0].body
    client.force_login(owner)
    page = client.get(f"/w/northwind/settings/channels/{a.pk}/").content.decode()
    assert "taken back at the platform" in page


def test_meta_107_a_removal_from_before_the_connection_changes_nothing(workspace):
    channel = connect(workspace)
    apply(workspace, event("partner_removed", timezone.now() - timedelta(days=1)), channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.ACTIVE


def test_meta_108_a_restriction_blocks_what_it_names_until_it_ends(workspace):
    channel = connect(workspace)
    until = timezone.now() + timedelta(days=2)
    first = {"type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "until": until.isoformat()}
    apply(workspace, event("account_restricted", restrictions=[first, {"type": "SOMETHING_NEW"}, "nonsense"]), channel)
    with workspace_scope(workspace.pk):
        channel = Channel.objects.get()
        assert channel.is_restricted("restricted_first") and not channel.is_restricted("restricted_replies")
        assert channel.status == Channel.Status.ACTIVE
        conversation = make(Conversation, channel=channel)
        assert why_not(conversation).code == "window_never_open"  # answering is still allowed
    assert notes(workspace) == ["restricted_first"]
    replies = {"type": "RESTRICTED_CUSTOMER_INITIATED_MESSAGING", "until": until}
    apply(workspace, event("account_restricted", restrictions=[replies]), channel)
    with workspace_scope(workspace.pk):
        conversation = Conversation.objects.select_related("channel").get()
        assert why_not(conversation).code == "channel_restricted"
        Channel.restrict(channel.pk, "restricted_replies", timezone.now() - timedelta(seconds=1))
        conversation = Conversation.objects.select_related("channel").get()
        assert why_not(conversation).code == "window_never_open"


def test_meta_108_an_account_that_is_switched_off_sends_nothing_until_it_is_reinstated(workspace):
    channel = connect(workspace)
    apply(workspace, event("account_disabled", state="SCHEDULE_FOR_DISABLE", date="April 17, 2026"), channel)
    assert notes(workspace) == ["account_disabling"]
    for _ in range(2):
        apply(workspace, event("account_disabled", state="DISABLE"), channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.STOPPED
    assert notes(workspace) == ["account_disabled"]
    apply(workspace, event("account_disabled", state="REINSTATE"), channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.ACTIVE
    assert notes(workspace) == []


def test_meta_112_a_quality_update_has_the_number_looked_at_again(workspace):
    channel = connect(workspace)
    with workspace_scope(workspace.pk):
        ChannelHealth.objects.create(channel=channel, checked_at=timezone.now())
    what = event("number_quality", event="THROUGHPUT_UPGRADE", max_daily_conversations_per_business="TIER_UNLIMITED")
    apply(workspace, what, channel)
    with workspace_scope(workspace.pk):
        health = ChannelHealth.objects.get()
        assert health.checked_at is None and health.limit == "TIER_UNLIMITED"


def test_meta_113_a_request_to_reset_the_pin_is_told_at_once_and_recorded(workspace, mailoutbox):
    channel = connect(workspace)
    for _ in range(2):
        apply(workspace, event("security", event="PIN_RESET_REQUEST", requester="990000000000001"), channel)
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="channel.security_event").count() == 1
    jobs.tell_notices()
    assert len(mailoutbox) == 1 and "attack" in mailoutbox[0].body and "990000000000001" not in mailoutbox[0].body


@pytest.mark.parametrize(("given", "kept"), [(2000, "2000"), ("TIER_2K", "TIER_2K")])
def test_meta_114_capability_comes_as_a_number_or_as_a_word(workspace, given, kept):
    apply(workspace, event("capability", max_daily_conversations_per_business=given), connect(workspace))
    with workspace_scope(workspace.pk):
        assert ChannelHealth.objects.get().limit == kept


def test_meta_114_alerts_user_names_and_unknown_kinds_are_shown_or_ignored(workspace):
    channel = connect(workspace)
    alert = {"severity": "WARNING", "status": "ACTIVE", "type": "X", "description": "Your limit was not raised yet."}
    assert apply(workspace, event("account_alert", **alert), channel) == 1
    assert apply(workspace, event("username", username="northwindtea", status="approved"), channel) == 1
    assert apply(workspace, event("something_new", a=1), channel) == 0
    assert apply(workspace, event("template_status", a=1), channel) == 0
    assert notes(workspace) == ["alert", "username"]
    apply(workspace, event("account_alert", status="NONE"), channel)
    assert notes(workspace) == ["username"]


def test_meta_118_a_declined_history_is_a_note_on_the_page(workspace):
    channel = connect(workspace)
    for _ in range(2):
        apply(workspace, event("history_declined", code=2593109), channel)
    assert notes(workspace) == ["history_declined"]
    with workspace_scope(workspace.pk):
        assert ChannelNotice.objects.get().told_at is not None  # shown, not mailed


def test_meta_135_a_blocked_page_sends_nothing_until_a_person_verifies_it(workspace, mailoutbox):
    channel = connect(workspace)
    for _ in range(2):
        apply(workspace, event("page_policy", action="block", reason="Spam was reported."), channel)
    with workspace_scope(workspace.pk):
        assert (Channel.objects.get().status, Channel.objects.get().status_reason) == ("stopped", "page_blocked")
    jobs.tell_notices()
    assert len(mailoutbox) == 1
    apply(workspace, event("page_policy", action="unblock"), channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.STOPPED
    assert notes(workspace) == ["page_unblocked"]


@pytest.mark.parametrize("kind", sorted(events._ACTS))
def test_facts_of_any_shape_do_no_harm(workspace, kind):
    channel = connect(workspace)
    odd = (None, [], {}, "x" * 5000, 10**30, True, "\x00", {"a": [1]}, datetime(2026, 1, 1, tzinfo=UTC))
    for value in odd:
        names = ("reason", "state", "date", "restrictions", "violation", "event", "status", "type", "action", "limit")
        apply(workspace, event(kind, None, **dict.fromkeys(names, value), description=value, decision=value), channel)
