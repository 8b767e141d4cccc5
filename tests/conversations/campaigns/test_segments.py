"""Who a campaign goes to, and that what is shown before the start is what is sent."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry
from channels_app.models import Channel, MessageTemplate
from conversations import delivery, opt_ins
from conversations.campaigns import filling, flow, preparing, running, segments, shown
from conversations.campaigns.segments import NotRead, Segment
from conversations.models import Campaign, CampaignRecipient, Contact, Conversation
from conversations.opt_ins import ledger
from conversations.policy import Refused
from omnistra.core.tenancy import workspace_scope
from tests.conversations.campaigns import crowd

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def number(workspace, member, platform) -> tuple[Channel, MessageTemplate]:
    return crowd.number(workspace, member)


def reasons(campaign: Campaign) -> dict[str, int]:
    with workspace_scope(campaign.workspace_id), transaction.atomic():
        found = Campaign.objects.select_related("channel").get(pk=campaign.pk)
        return dict(shown.left_out(found))


@pytest.mark.clause("4c")
def test_what_is_counted_before_the_start_is_what_goes_out(workspace, member, number, platform):
    people = crowd.people(workspace, 6)
    crowd.agree(workspace, people[:4])
    crowd.agree(workspace, people[4:5], ledger.UTILITY)  # not to news and offers
    with workspace_scope(workspace.pk), transaction.atomic():
        opt_ins.withdraw(people[0], "whatsapp", opt_ins.ALL, Actor.member(member), timezone.now())
        Conversation.objects.create(
            channel=number[0], contact_id=people[1], last_message_at=timezone.now(), blocked_at=timezone.now()
        )
    campaign = crowd.draft(workspace, member, *number)
    assert crowd.states(campaign) == {"pending": 2, "skipped": 4}
    assert reasons(campaign) == {
        "There is no record that this person agreed to be written to.": 2,
        "This person asked you to stop.": 1,
        "You blocked this person.": 1,
    }
    with workspace_scope(workspace.pk), transaction.atomic():
        found = Campaign.objects.select_related("channel").get(pk=campaign.pk)
        sample, _ = shown.rows(found, "northwind", "pending")
    crowd.start(workspace, member, campaign)
    running.step()
    delivery.deliver()
    assert len(platform.sent) == 2
    assert {each.handle[-2:] for each in sample} == {each.handles["wa_id"][-2:] for each in platform.sent}
    assert all("•" in each.handle for each in sample)


def test_counting_goes_on_after_a_kill_where_it_was_and_nobody_is_counted_twice(
    workspace, member, number, platform, monkeypatch
):
    monkeypatch.setattr(preparing, "CHUNK", 10)
    crowd.agree(workspace, crowd.people(workspace, 35))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            made = flow.draft("Spring teas", *number, crowd.VALUES, Actor.member(member))
        flow.choose(made.pk, Segment(), Actor.member(member))  # counts two chunks, and is killed
        with pytest.raises(Refused, match="not all counted"):
            flow.start(made.pk, Actor.member(member))
    assert crowd.states(made) == {"pending": 20}
    for _ in range(4):
        running.step()  # the job goes on
    assert crowd.states(made) == {"pending": 35}
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Campaign.objects.get().counted_at is not None
        assert CampaignRecipient.objects.values("contact_id").distinct().count() == 35
    with workspace_scope(workspace.pk):
        flow.choose(made.pk, None, Actor.member(member))  # once more: rows are not doubled
    while running.step()[1]:
        pass
    assert crowd.states(made) == {"pending": 35}


def test_people_are_found_by_what_they_agreed_to_and_when_they_wrote(workspace, member, number):
    now = timezone.now()
    people = crowd.people(workspace, 4)
    crowd.agree(workspace, people[:2])
    crowd.agree(workspace, people[2:3], ledger.UTILITY)
    with workspace_scope(workspace.pk), transaction.atomic():
        for who, days in zip(people, (1, 20, 1), strict=False):
            Conversation.objects.create(
                channel=number[0], contact_id=who, last_message_at=now, last_inbound_at=now - timedelta(days=days)
            )

        def found(**chosen):
            return segments.people(number[0], Segment(**chosen), None, 100)

        assert found() == sorted(people)
        assert found(topic=ledger.MARKETING) == sorted(people[:2])
        assert found(topic=ledger.UTILITY) == sorted(people[:3])
        assert found(wrote_days=7) == sorted([people[0], people[2]])
        assert found(silent_days=7) == sorted([people[1], people[3]])
        assert found(topic=ledger.MARKETING, wrote_days=7) == [people[0]]
        Contact.objects.filter(pk=people[0]).update(merged_into_id=people[1])
        assert found(topic=ledger.MARKETING) == [people[1]]


@pytest.mark.clause("4c")
def test_a_list_reaches_only_people_who_are_known_and_agreed_and_makes_no_contact(workspace, member, number, platform):
    people = crowd.people(workspace, 3)
    crowd.agree(workspace, people[:2])
    text = "\n".join(
        [
            "+49 170 0000000",
            '"0049-1700000000";again',
            "491700000001,Rui",
            "491700000002",
            "+351 210 000 999",
            "Rui",
            "",
        ]
    )
    with workspace_scope(workspace.pk), transaction.atomic():
        segment = segments.match(number[0], text)
        assert segment.contacts == sorted(map(str, people))
        assert (segment.unmatched, segment.unread, list(segment.lines)) == (1, 1, [5, 6])
        assert "351210000999" not in str(segment.as_json())
    campaign = crowd.draft(workspace, member, *number, segment)
    assert crowd.states(campaign) == {"pending": 2, "skipped": 1}
    crowd.start(workspace, member, campaign)
    running.step()
    delivery.deliver()
    assert sorted(each.handles["wa_id"] for each in platform.sent) == ["491700000000", "491700000001"]
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Contact.objects.count() == 3


@pytest.mark.parametrize("text", ["", "\n\n", "1\n" * 50_001])
def test_a_list_that_is_empty_or_too_long_is_refused_in_words(workspace, member, number, text):
    with workspace_scope(workspace.pk), transaction.atomic(), pytest.raises(NotRead):
        segments.match(number[0], text)


def test_counting_takes_as_many_queries_for_a_hundred_people_as_for_ten(
    workspace, member, number, monkeypatch, django_assert_max_num_queries
):
    crowd.agree(workspace, crowd.people(workspace, 110))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            made = flow.draft("Spring teas", *number, crowd.VALUES, Actor.member(member))
            made.segment = Segment().as_json()
            made.save(update_fields=["segment"])
        counts = []
        for chunk in (10, 100):
            monkeypatch.setattr(preparing, "CHUNK", chunk)
            with django_assert_max_num_queries(60) as seen:
                preparing.count_on(made.pk)
            counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_value_has_another_word_where_no_name_is_known():
    assert filling.fill({"a": "{{name}}", "b": "Dear {{ first_name | friend }}!"}, "") == {"a": "", "b": "Dear friend!"}
    assert filling.fill({"b": "Dear {{first_name|friend}}!"}, "Rui  Alves") == {"b": "Dear Rui!"}
    assert filling.unknown({"a": "{{order}} {{name}}"}) == {"a": "order"}


def test_who_has_no_name_is_left_out_where_nothing_stands_in_for_it(workspace, member, number):
    crowd.agree(workspace, crowd.people(workspace, 1, name="Rui Alves"))
    crowd.agree(workspace, crowd.people(workspace, 1, first=50, name=""))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            made = flow.draft("Names", *number, {"body.1": "{{name}}"}, Actor.member(member))
        flow.choose(made.pk, Segment(), Actor.member(member))
    assert crowd.states(made) == {"pending": 1, "skipped": 1}
    assert reasons(made) == {"Their name is not known, and nothing stands in for it.": 1}


def test_a_place_that_nothing_fills_is_refused_and_nothing_is_written(workspace, member, number):
    with workspace_scope(workspace.pk), transaction.atomic():
        with pytest.raises(Refused) as refused:
            flow.draft("Orders", *number, {"body.1": "{{order}}"}, Actor.member(member))
        assert list(refused.value.problems) == ["body.1"]
        assert not Campaign.objects.exists()
        assert not AuditEntry.objects.filter(action__startswith="campaign.").exists()
