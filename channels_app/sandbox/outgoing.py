"""The webhooks that are on their way to the product: queued in the world's file, claimed with a lease,
tried again until they are answered with 200, as Meta does for up to seven days."""

import sqlite3
import time

from . import directory, faults, world

LEASE = 30.0  # seconds after which a claim of a killed process lapses
GIVE_UP = 7 * 24 * 3600.0  # seconds
KEPT = 5000  # answered webhooks that stay to be looked at


def enqueue(number: sqlite3.Row, body: bytes, summary: str, *, lane: str = "", delay: float = 0.0) -> list[int]:
    """Queue one body for the callback of a WhatsApp number. Gives ids, none while nobody is subscribed."""
    url = directory.callback(number)
    return queue(url, body, summary, scope=number["phone_number_id"], lane=lane, delay=delay) if url else []


def queue(
    url: str, body: bytes, summary: str, *, scope: str, lane: str = "", delay: float = 0.0, signer: str = "meta"
) -> list[int]:
    """Queue one body (several times when the weather of `scope` says so). Within a `lane` one is posted after the other;
    without one they go in parallel. `signer` names the app whose secret signs: meta or instagram. Gives ids."""
    copies = 1
    for struck in faults.strike(("webhook",), scope):
        copies = max(copies, int(struck["times"]))
    moment = time.time()
    ids = []
    with world.write() as db:
        for _ in range(copies):
            made = db.execute(
                "INSERT INTO webhooks (url, body, summary, lane, due, created, signer) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (url, body, summary, lane, moment + delay, moment, signer),
            )
            ids.append(int(made.lastrowid or 0))
    return ids


def claim() -> sqlite3.Row | None:
    """The next webhook that is due, leased to the caller; None when there is none."""
    moment = time.time()
    if not world.row("SELECT 1 FROM webhooks WHERE state = 'waiting' AND due <= ? LIMIT 1", moment):
        return None
    with world.write() as db:
        found: sqlite3.Row | None = db.execute(
            "UPDATE webhooks SET lease = ?, attempts = attempts + 1 WHERE id = ("
            "  SELECT w.id FROM webhooks w WHERE w.state = 'waiting' AND w.due <= ? AND w.lease < ? AND "
            "NOT EXISTS ("
            "    SELECT 1 FROM webhooks b WHERE w.lane != '' AND b.lane = w.lane AND b.id < w.id"
            "    AND b.state = 'waiting' AND b.lease >= ?)"
            "  ORDER BY w.due, w.id LIMIT 1) RETURNING *",
            (moment + LEASE, moment, moment, moment),
        ).fetchone()
    return found


def settle(webhook: sqlite3.Row, code: int, error: str, milliseconds: float) -> None:
    """Note the answer (`code` 0: none came) and, unless it was 200, when to try again."""
    moment = time.time()
    wait = min(world.setting("retry_cap"), world.setting("retry_first") * 2 ** (webhook["attempts"] - 1))
    unanswered = "given_up" if moment - webhook["created"] > GIVE_UP else "waiting"
    state = "done" if code == 200 else unanswered
    with world.write() as db:
        db.execute(
            "UPDATE webhooks SET state = ?, code = ?, error = ?, ms = ?, done = ?, lease = 0, due = ? WHERE id = ?",
            (state, code, error, milliseconds, moment, moment + wait, webhook["id"]),
        )
        if webhook["id"] % 200 == 0:
            db.execute("DELETE FROM webhooks WHERE state != 'waiting' AND id < ?", (webhook["id"] - KEPT,))


def next_due() -> float | None:
    """When the earliest waiting webhook is due (Unix seconds; leased ones when their lease lapses)."""
    found = world.row("SELECT min(max(due, lease)) AS at FROM webhooks WHERE state = 'waiting'")
    return float(found["at"]) if found and found["at"] is not None else None


def waiting() -> int:
    """How many are still to be answered with 200."""
    return world.count("SELECT count(*) FROM webhooks WHERE state = 'waiting'")
