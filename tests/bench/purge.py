"""The purge: messages a second with their rows in other tables, and how long one chunk's transaction lasts."""

import time
from datetime import timedelta
from pathlib import Path
from unittest import mock

from django.db import connections, transaction
from django.utils import timezone

from conversations.models import Message
from omnistra.core.tenancy import workspace_scope
from privacy import erasure, retention
from privacy.models import RetentionPolicy
from tests.bench import crowd, stage
from tests.bench.figures import Figure

CONVERSATIONS, EACH = 2_000, 25


def run(folder: Path) -> list[Figure]:
    """The figures."""
    workspace, channel, _ = stage.open_workspace("purge")
    crowd.settle(workspace.pk, channel, CONVERSATIONS, EACH, timezone.now() - timedelta(days=40), timedelta(days=30))
    with workspace_scope(workspace.pk), transaction.atomic():
        RetentionPolicy.objects.create(conversation_days=30)
    stage.settle_tables()
    chunks: dict[str, list[float]] = {}
    erase_chunk = erasure._erase_chunk

    def timed(workspace_id, store, selection, run):
        begun = time.perf_counter()
        try:
            return erase_chunk(workspace_id, store, selection, run)
        finally:
            chunks.setdefault(store.name, []).append((time.perf_counter() - begun) * 1000)

    with mock.patch.object(erasure, "_erase_chunk", timed):
        begun = time.perf_counter()
        done = retention.purge(workspace.pk, "command")
        took = time.perf_counter() - begun
    with workspace_scope(workspace.pk), transaction.atomic():
        left = Message.objects.count()
    if done is None or left or done.counts["messages"] != CONVERSATIONS * EACH:
        raise RuntimeError(f"{left} messages are left of {CONVERSATIONS * EACH}")
    rows = sum(number for name, number in done.counts.items() if name != "keys")
    shares = ", ".join(f"{name} {sum(times) / 1000:.1f} s" for name, times in chunks.items())
    longest = {name: max(times) for name, times in chunks.items()}
    worst = max(longest, key=lambda name: longest[name])
    connections["owner"].close()
    return [
        Figure(
            "purge", CONVERSATIONS * EACH / took, "messages/s", least=10_000,
            beside=f"{rows:,} rows in all; {shares}; {_plain(rows):,.0f} rows/s in one bare DELETE",
        ),
        Figure("purge, longest transaction of a chunk", longest[worst], "ms", most=200, beside=f"of {worst}"),
    ]  # fmt: skip


def _plain(rows: int) -> float:
    """The floor: rows a second of one DELETE by age on a table with the same columns and indexes as messages."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE bench_delete (LIKE conversations_message INCLUDING ALL)")
        cursor.execute(
            "INSERT INTO bench_delete (id, workspace_id, channel_id, conversation_id, contact_id, direction, type, "
            "content, external_hash, status, provider_at, created_at) SELECT gen_random_uuid(), gen_random_uuid(), "
            "gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'inbound', 'text', "
            "decode(repeat('00', 200), 'hex'), decode(md5(n::text), 'hex'), 'received', now(), now() "
            "FROM generate_series(1, %s) AS n",
            [rows],
        )
        begun = time.perf_counter()
        cursor.execute("DELETE FROM bench_delete WHERE provider_at <= now()")
        took = time.perf_counter() - begun
        cursor.execute("DROP TABLE bench_delete")
    connections["owner"].close()
    return rows / took
