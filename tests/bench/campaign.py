"""Answers while a campaign of 10,000 runs: how long one takes to the platform, and how many messages of the campaign go
out in the busiest second. With the real worker and a stand-in for the platform, at a number of 80 and of 1,000 a second."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Membership
from channels_app.contract import Person
from channels_app.models import Channel, MessageTemplate
from conversations import identities, replies
from conversations.campaigns import flow, preparing
from conversations.campaigns.segments import Segment
from conversations.ingest import lock_workspace
from conversations.models import Conversation, Delivery, Message, OptIn
from omnistra.core.bulk import insert_new
from omnistra.core.tenancy import workspace_scope
from omnistra.embedded import environment, process
from privacy import policies
from tests.bench import stage
from tests.bench.figures import Figure
from tests.bench.webhooks import serving

PEOPLE, TALKS = 10_000, 50
SECONDS = 30.0
EVERY = 0.25  # seconds between two answers
COMPONENTS = [{"type": "BODY", "text": "Hello {{1}}, the spring teas are here."}]


def run(folder: Path) -> list[Figure]:
    """The figures."""
    with serving("tests.bench.graph:application", folder) as port, _worker(folder, port):
        return [figure for rate in (80, 1_000) for figure in _measure(rate)]


@contextmanager
def _worker(folder: Path, port: int) -> Iterator[None]:
    environ = {**os.environ, "META_GRAPH_URL": f"http://127.0.0.1:{port}"}
    with (folder / "worker.log").open("ab") as log:
        child = process.spawn(
            [sys.executable, "-m", "omnistra.embedded.worker", str(folder / "schedule")],
            environ=environ, log=log, cwd=environment.CHECKOUT,
        )  # fmt: skip
    try:
        yield
    finally:
        process.stop(child, signal.SIGTERM, 10)


def _measure(rate: int) -> list[Figure]:
    workspace, channel, _ = stage.open_workspace(f"c{rate}")
    with workspace_scope(workspace.pk):
        by, talks = _people(workspace, channel, rate)
        with transaction.atomic():
            template = MessageTemplate.objects.get()
            campaign = flow.draft("Bench", channel, template, {"body.1": "{{first_name|there}}"}, by)
        flow.choose(campaign.pk, Segment(), by)
        while preparing.count_on(campaign.pk):
            pass
        stage.settle_tables()
        flow.start(campaign.pk, by)
        took = _answers(talks, by)
        flow.stop(campaign.pk, by)
        with transaction.atomic():
            mine = Delivery.objects.filter(priority=Delivery.Priority.CAMPAIGN, claimed_at__isnull=False)
            at = list(mine.order_by("claimed_at").values_list("claimed_at", flat=True))
    p95 = sorted(took)[int(0.95 * len(took))]
    middle = sorted(took)[len(took) // 2]
    return [
        Figure(
            f"answer during a campaign at {rate:,}/s, p95", 1000 * p95, "ms", most=2_000,
            beside=f"{len(took)} answers, p50 {1000 * middle:.0f} ms, {len(at) / SECONDS:.0f} of the campaign a second",
        ),
        Figure(
            f"busiest second of a campaign at {rate:,}/s", _busiest(at), "messages", most=rate,
            beside=f"{PEOPLE:,} people, {len(at):,} messages in {SECONDS:.0f} s",
        ),
    ]  # fmt: skip


def _people(workspace: Any, channel: Channel, rate: int) -> tuple[Actor, list[Conversation]]:
    """People who agreed, of whom some are in a conversation."""
    now = timezone.now()
    with transaction.atomic():
        member = Membership.objects.select_related("user").get()
        policies.attest_opt_in(member, "127.0.0.1")
        Channel.objects.filter(pk=channel.pk).update(messages_per_second=rate, send_credit=rate)
        MessageTemplate.objects.create(
            provider="whatsapp", account_id=channel.account_id, external_id=str(rate), name="spring_teas", language="en",
            category="marketing", status="approved", components=COMPONENTS,
        )  # fmt: skip
    everybody = []
    for start in range(0, PEOPLE, 1_000):
        with transaction.atomic():
            lock_workspace(workspace.pk)
            people = [
                (Person({"wa_id": str(4915_0000_0000 + n)}, f"Person {n}"), now) for n in range(start, start + 1_000)
            ]
            found = identities.resolve(workspace.pk, "whatsapp", people)
            rows = [
                OptIn(
                    contact_id=who, provider="whatsapp", topic="marketing", is_granted=True, source="website",
                    at=now - timedelta(days=1), recorded_by_kind="system",
                )
                for who in found
            ]  # fmt: skip
            insert_new(rows)
            everybody += found
    with transaction.atomic():
        talks = [
            Conversation.objects.create(channel=channel, contact_id=who, last_message_at=now, last_inbound_at=now)
            for who in everybody[:: PEOPLE // TALKS]
        ]
    return Actor.member(member), talks


def _answers(talks: list[Conversation], by: Actor) -> list[float]:
    """Answer at fixed times; gives how long each took until the platform had taken it, in seconds. An answer that has
    not gone out when all is over counts until then."""
    sent: list[Message] = []
    begun = time.monotonic()
    for number in range(int(SECONDS / EVERY)):
        time.sleep(max(0.0, begun + number * EVERY - time.monotonic()))
        sent += replies.send_reply(talks[number % len(talks)], f"Answer {number}", by)
    time.sleep(2)
    over = timezone.now()
    with transaction.atomic():
        rows = Message.objects.filter(pk__in=[each.pk for each in sent]).values_list("created_at", "sent_at")
        return [((sent_at or over) - created_at).total_seconds() for created_at, sent_at in rows]


def _busiest(at: list[datetime]) -> int:
    """The most of these times that lie within one second."""
    most = first = 0
    for last, moment in enumerate(at):
        while moment - at[first] >= timedelta(seconds=1):
            first += 1
        most = max(most, last - first + 1)
    return most
