"""Journal to stored messages for one worker process, against COPY of the same rows into a table with the same indexes."""

import time
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, connections, transaction

from channels_app import webhooks
from channels_app.models import Channel
from conversations import ingest
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.sealing import installation_hash
from omnistra.core.tenancy import system_scope
from tests.bench import bodies, stage
from tests.bench.figures import Figure

MESSAGES = 10_000
PEOPLE = 1_000


def run(folder: Path) -> list[Figure]:
    """The figures."""
    figures = []
    for slug, size in (("one", 1), ("hundred", 100)):
        workspace, channel, _ = stage.open_workspace(slug)
        _fill_journal(channel, slug, size)
        stage.settle_tables()
        begun = time.perf_counter()
        ingest.drain()
        took = time.perf_counter() - begun
        connection.close()
        stored, floor = _copy(str(workspace.pk))
        if stored != MESSAGES:
            raise RuntimeError(f"{stored} of {MESSAGES} messages were stored")
        rate = MESSAGES / took
        figures.append(
            Figure(
                f"journal to message, {size} in a body", rate, "messages/s", least=2_000,
                beside=f"{rate / floor:.3f} of COPY's {floor:,.0f}",
            )
        )  # fmt: skip
    return [*figures, _one_body()]


def _one_body() -> Figure:
    """From a body of 1,000 messages in the journal to all of them stored, by one worker."""
    _, channel, _ = stage.open_workspace("thousand")
    _fill_journal(channel, "thousand", PEOPLE, PEOPLE)
    stage.settle_tables()
    begun = time.perf_counter()
    ingest.drain()
    took = time.perf_counter() - begun
    return Figure(
        "a body of 1,000 updates is stored in", took, "s", most=1.5, beside=f"{PEOPLE / took:,.0f} messages/s"
    )


def _fill_journal(channel: Channel, slug: str, size: int, messages: int = MESSAGES) -> None:
    """Sealed raw events as the webhook writes them."""
    now = datetime.now(UTC)
    key = keyring.ingress_key(now.date())
    names = [(f"{slug}{place}", place % PEOPLE) for place in range(messages)]
    rows = []
    for start in range(0, messages, size):
        body = bodies.many((channel.external_id, channel.account_id), names[start : start + size])
        identity = uuid7()
        sealed = key.seal(body, webhooks.place("whatsapp", identity))
        rows.append((identity, "whatsapp", installation_hash("event:whatsapp", body), sealed, now, None))
    with transaction.atomic(), system_scope("bench"), connection.cursor() as cursor:
        cursor.executemany(webhooks._APPEND, rows)


def _copy(workspace_id: str) -> tuple[int, float]:
    """How many messages the workspace has, and how many of these rows a second COPY writes."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE bench_copy (LIKE conversations_message INCLUDING ALL)")
        cursor.execute("BEGIN")
        cursor.execute("SELECT set_config('role', %s, true)", [settings.SYSTEM_ROLE])
        with cursor.copy(
            "COPY (SELECT * FROM conversations_message WHERE workspace_id = %s) TO STDOUT (FORMAT binary)",
            [workspace_id],
        ) as reading:
            blocks = [bytes(block) for block in reading]
        cursor.execute("COMMIT")
        begun = time.perf_counter()
        with cursor.copy("COPY bench_copy FROM STDIN (FORMAT binary)") as writing:
            for block in blocks:
                writing.write(block)
        took = time.perf_counter() - begun
        cursor.execute("SELECT count(*) FROM bench_copy")
        stored = int(cursor.fetchone()[0])
        cursor.execute("DROP TABLE bench_copy")
    connections["owner"].close()
    return stored, stored / took
