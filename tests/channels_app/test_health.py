"""How channels are looked at: token, rating, subscription, webhooks (conformance cases 121, 143, 167)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import connect as connecting
from channels_app import health, jobs
from channels_app.connect import NotConnected
from channels_app.models import Channel, ChannelHealth, ChannelNotice
from channels_app.providers.meta.messaging import PAGE_FIELDS
from channels_app.sandbox import directory, world
from channels_app.sandbox import login as platform
from omnistra.core.tenancy import workspace_scope
from tests.channels_app.login import meta, platforms  # noqa: F401  (fixtures)
from tests.conversations.webhooks import connect

TOKEN, WABA, NUMBER = "EAAG-test-token", "310000000000101", "210000000000501"


@pytest.fixture
def number(workspace, meta) -> Channel:  # noqa: F811
    """A connected number that the platform knows."""
    directory.create_business(
        waba_id=WABA, phone_number_id=NUMBER, display_phone_number="+49 30 12345678", verified_name="Northwind",
        token=TOKEN, subscribed=True,
    )  # fmt: skip
    return connect(workspace)


def token_ends(days: float) -> None:
    with world.write() as db:
        db.execute("UPDATE tokens SET expires = ?", (int(world.now() + days * 86400),))


def look(workspace, channel: Channel) -> ChannelHealth:
    with workspace_scope(workspace.pk):
        return health.look(Channel.objects.get(pk=channel.pk))


def notes(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return sorted(ChannelNotice.objects.filter(ended_at__isnull=True).values_list("kind", flat=True))


def test_a_look_keeps_rating_limit_and_that_all_is_well(workspace, number):
    seen = look(workspace, number)
    assert (seen.quality, seen.limit, seen.missing_fields, seen.token_expires_at) == ("GREEN", "TIER_2K", [], None)
    assert notes(workspace) == []


def test_a_rating_that_falls_is_told_and_ends_when_it_rises(workspace, number):
    for rating, kinds in (("YELLOW", ["quality_yellow"]), ("RED", ["quality_red"]), ("GREEN", [])):
        with world.write() as db:
            db.execute("UPDATE numbers SET quality = ?", (rating,))
        look(workspace, number)
        assert notes(workspace) == kinds


def test_a_token_is_announced_30_and_7_days_before_its_end_once_each(workspace, number, mailoutbox):
    for days, kinds, mails in (
        (40, [], 0),
        (29, ["token_ends_30"], 1),
        (20, ["token_ends_30"], 1),
        (6, ["token_ends_7"], 2),
    ):
        token_ends(days)
        look(workspace, number)
        jobs.tell_notices()
        assert (notes(workspace), len(mailoutbox)) == (kinds, mails)


def test_a_refused_token_stops_the_channel(workspace, number):
    directory.revoke(TOKEN)
    look(workspace, number)
    with workspace_scope(workspace.pk):
        assert (Channel.objects.get().status, Channel.objects.get().status_reason) == ("reconnect", "token_refused")


def test_what_is_not_subscribed_is_subscribed_again(workspace, number):
    with world.write() as db:
        db.execute("UPDATE businesses SET subscribed = 0")
    look(workspace, number)
    assert notes(workspace) == ["subscribed_again"]
    assert world.row("SELECT subscribed FROM businesses")["subscribed"] == 1


def test_a_platform_that_does_not_answer_changes_nothing(workspace, number, settings):
    settings.META_GRAPH_URL = "http://127.0.0.1:9"
    seen = look(workspace, number)
    assert (seen.quality, seen.missing_fields) == ("", []) and notes(workspace) == []
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.ACTIVE


def test_meta_121_deliveries_without_messages_for_a_day_are_a_warning(workspace, number):
    now = timezone.now()
    with workspace_scope(workspace.pk):
        ChannelHealth.objects.create(channel=number, webhook_at=now, messages_at=now - timedelta(hours=25))
    look(workspace, number)
    assert notes(workspace) == ["silent"]
    with workspace_scope(workspace.pk):
        health.heard({number.pk: True})
    look(workspace, number)
    assert notes(workspace) == []


def test_webhooks_are_noted_in_few_queries_and_seldom(workspace, django_assert_max_num_queries):
    channels = [connect(workspace, str(2000 + each)) for each in range(20)]
    heard = {channel.pk: bool(index % 2) for index, channel in enumerate(channels)}
    with workspace_scope(workspace.pk):
        with django_assert_max_num_queries(4):
            health.heard(heard)
        with django_assert_max_num_queries(4):
            health.heard(heard)  # a moment later: nothing is written
        assert ChannelHealth.objects.filter(messages_at__isnull=False).count() == 10
        ChannelHealth.objects.update(webhook_at=timezone.now() - timedelta(hours=1))
        with django_assert_max_num_queries(5):
            health.heard(heard)
        assert not ChannelHealth.objects.filter(webhook_at__lt=timezone.now() - timedelta(minutes=1)).exists()


@pytest.fixture
def page(workspace, meta, platforms) -> Channel:  # noqa: F811
    """A connected Page."""
    token = platform.create_page(page_id="110000000000901", name="Northwind")
    platform.set_subscription("110000000000901", sorted(PAGE_FIELDS))
    with workspace_scope(workspace.pk):
        return Channel.objects.create(
            provider="messenger", external_id="110000000000901", account_id="110000000000901", name="Northwind",
            credentials={"token": token},
        )  # fmt: skip


def test_meta_143_a_page_that_was_unsubscribed_is_subscribed_again_within_minutes(workspace, page):
    jobs.check_health()
    assert notes(workspace) == []
    platform.set_subscription(page.external_id, ["messages"])
    assert jobs.check_health() == 0 and notes(workspace) == []  # looked at a moment ago
    with workspace_scope(workspace.pk):
        ChannelHealth.objects.update(subscription_at=timezone.now() - timedelta(minutes=16))
    jobs.check_health()
    assert notes(workspace) == ["subscribed_again"]
    assert set(platform.subscription(page.external_id)) == set(PAGE_FIELDS)


def test_meta_143_fields_that_cannot_be_had_are_named(workspace, page, platforms, monkeypatch):  # noqa: F811
    monkeypatch.setattr(platforms["messenger"], "subscribe", lambda *_: None)
    platform.set_subscription(page.external_id, ["messages"])
    seen = look(workspace, page)
    assert set(seen.missing_fields) == set(PAGE_FIELDS) - {"messages"} and notes(workspace) == ["fields_missing"]


def account(workspace, *, ends: float, age: float) -> Channel:
    """An account connected by Instagram Login: its token ends in `ends` days and is `age` days old."""
    now = timezone.now()
    token = platform._issue("instagram", ["instagram_business_basic"], 60 * 86400)
    with world.write() as db:
        values = (int(world.now() + ends * 86400), int(world.now() - age * 86400), token)
        db.execute("UPDATE tokens SET expires = ?, issued = ? WHERE token = ?", values)
    kept = {
        "expires_at": (now + timedelta(days=ends)).isoformat(),
        "issued_at": (now - timedelta(days=age)).isoformat(),
    }
    with workspace_scope(workspace.pk):
        return Channel.objects.create(
            provider="instagram", external_id=platform.ACCOUNT, account_id=platform.ACCOUNT, name="Northwind",
            credentials={"token": token, **kept},
        )  # fmt: skip


def test_meta_167_a_token_of_instagram_is_renewed_in_its_last_month(workspace, meta, platforms):  # noqa: F811
    channel = account(workspace, ends=29, age=31)
    before = channel.credentials["token"]
    seen = look(workspace, channel)
    with workspace_scope(workspace.pk):
        kept = Channel.objects.get().credentials
    assert kept["token"] != before and kept["expires_at"] > (timezone.now() + timedelta(days=59)).isoformat()
    assert seen.token_expires_at.isoformat() == kept["expires_at"] and "token_ends_7" not in notes(workspace)


@pytest.mark.parametrize(("ends", "age"), [(59, 1), (29, 0.8)])
def test_meta_167_a_token_that_is_young_or_has_time_is_left_alone(workspace, meta, platforms, monkeypatch, ends, age):  # noqa: F811
    channel = account(workspace, ends=ends, age=age)
    monkeypatch.setattr("channels_app.login.instagram.renew", lambda *_: pytest.fail("asked"))
    look(workspace, channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().credentials["token"] == channel.credentials["token"]


def test_meta_167_a_refused_renewal_is_tried_again_and_told_at_7_days(workspace, meta, platforms):  # noqa: F811
    channel = account(workspace, ends=6, age=54)
    directory.revoke(channel.credentials["token"])
    look(workspace, channel)
    assert {"token_not_renewed", "token_ends_7"} <= set(notes(workspace))
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.ACTIVE


def test_meta_167_an_expired_token_is_not_renewed_but_has_to_be_given_anew(workspace, meta, platforms, monkeypatch):  # noqa: F811
    channel = account(workspace, ends=-1, age=61)
    monkeypatch.setattr("channels_app.login.instagram.renew", lambda *_: pytest.fail("asked"))
    look(workspace, channel)
    with workspace_scope(workspace.pk):
        assert Channel.objects.get().status == Channel.Status.RECONNECT


def test_verifying_by_hand_has_a_limit(workspace, number, member):
    from accounts.audit import Actor

    with workspace_scope(workspace.pk):
        for _ in range(connecting.CHECKS[0]):
            connecting.check(Channel.objects.get(), Actor.member(member))
        with pytest.raises(NotConnected, match="often"):
            connecting.check(Channel.objects.get(), Actor.member(member))


@pytest.mark.parametrize(
    ("limit", "words"),
    [("TIER_2K", "2,000 people a day"), ("TIER_250", "250 people a day"), ("2000", "2,000 people a day"),
     ("TIER_UNLIMITED", "as many people as you like"), ("TIER_NOT_SET", "not set")],
)  # fmt: skip
def test_a_limit_reads_like_a_sentence(limit, words):
    assert ChannelHealth(limit=limit).limit_words() == words
