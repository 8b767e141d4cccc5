"""The inbox page at 100 and at 100,000 conversations: the same queries, about the same time."""

import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.bench import crowd, stage
from tests.bench.figures import Figure

SIZES = {"few": 100, "many": 100_000}
PAGES = 40


def run(folder: Path) -> list[Figure]:
    """The figures."""
    visits: dict[str, tuple[Client, str]] = {}
    for slug, size in SIZES.items():
        workspace, channel, owner = stage.open_workspace(slug)
        crowd.settle(workspace.pk, channel, size, 1, timezone.now(), timedelta(days=30))
        client = Client()
        client.force_login(owner)
        visits[slug] = (client, reverse("conversations:list", args=[workspace.slug]))
    stage.settle_tables()
    times: dict[str, list[float]] = {slug: [] for slug in SIZES}
    queries = {}
    for client, url in visits.values():
        for _ in range(3):
            _get(client, url)
    for slug, (client, url) in visits.items():
        with CaptureQueriesContext(connection) as seen, CaptureQueriesContext(connections["keys"]) as keys:
            _get(client, url)
        # What opens, closes and scopes the transaction is no question.
        queries[slug] = sum("SELECT" in query["sql"] for query in (*seen.captured_queries, *keys.captured_queries))
    for _ in range(PAGES):
        for slug, (client, url) in visits.items():  # in turns, so that what else the machine does hits both
            begun = time.perf_counter()
            _get(client, url)
            times[slug].append((time.perf_counter() - begun) * 1000)
    few, many = (median(times[slug]) for slug in SIZES)
    counted = f"{queries['few']} at 100, {queries['many']} at 100,000"
    return [
        Figure("inbox page, queries", max(queries.values()), "queries", most=10, beside=counted),
        Figure(
            "inbox page, 100,000 conversations against 100", many / few, "x", most=1.3,
            beside=f"{many:.1f} ms, floor {few:.1f} ms",
        ),
    ]  # fmt: skip


def _get(client: Client, url: str) -> None:
    answer = client.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")
