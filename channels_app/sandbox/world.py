"""What the stand-in remembers: businesses, numbers, Pages, Instagram accounts, tokens, people, messages, media, faults,
webhooks to post. The column `number` names the channel: a phone number id, a Page id or an Instagram id.

One SQLite file in WAL mode, used by any number of threads and processes at once. It plays Meta, so it may
hold plaintext; it is deliberately in none of the product's stores. Nothing here is kept when the file is
deleted."""

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

VERSION = 2  # of the schema: a file of another version is emptied, for nothing in it is worth a migration
Value = str | int | float | bytes | None

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS businesses (
    waba_id TEXT PRIMARY KEY, name TEXT NOT NULL, portfolio TEXT NOT NULL, subscribed INTEGER NOT NULL DEFAULT 0,
    callback TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS numbers (
    phone_number_id TEXT PRIMARY KEY, waba_id TEXT NOT NULL, display TEXT NOT NULL, verified_name TEXT NOT NULL,
    quality TEXT NOT NULL DEFAULT 'GREEN', registered INTEGER NOT NULL DEFAULT 1, pin TEXT NOT NULL DEFAULT '',
    callback TEXT NOT NULL DEFAULT '', on_phone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, app TEXT NOT NULL, name TEXT NOT NULL, username TEXT NOT NULL DEFAULT '',
    page_id TEXT NOT NULL DEFAULT '', fields TEXT NOT NULL DEFAULT '[]', access INTEGER NOT NULL DEFAULT 1,
    tasks TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS scoped (
    account TEXT NOT NULL, person TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (account, person), UNIQUE (account, id));
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, opens TEXT NOT NULL, scopes TEXT NOT NULL, expires INTEGER NOT NULL DEFAULT 0,
    issued INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL DEFAULT 'system');
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, app TEXT NOT NULL, scopes TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS templates (
    id TEXT PRIMARY KEY, waba_id TEXT NOT NULL, name TEXT NOT NULL, language TEXT NOT NULL, category TEXT NOT NULL,
    status TEXT NOT NULL, components TEXT NOT NULL, format TEXT NOT NULL DEFAULT 'positional',
    quality TEXT NOT NULL DEFAULT 'UNKNOWN', reason TEXT NOT NULL DEFAULT 'NONE', next_at REAL,
    UNIQUE (waba_id, name, language));
CREATE TABLE IF NOT EXISTS people (
    id TEXT PRIMARY KEY, wa_id TEXT UNIQUE, user_id TEXT NOT NULL UNIQUE, user_ids TEXT NOT NULL DEFAULT '{}',
    username TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, country TEXT NOT NULL DEFAULT '',
    offline INTEGER NOT NULL DEFAULT 0, instagram TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, wamid TEXT NOT NULL UNIQUE, number TEXT NOT NULL, person TEXT NOT NULL,
    outgoing INTEGER NOT NULL, type TEXT NOT NULL, content TEXT NOT NULL, context TEXT NOT NULL DEFAULT '',
    callback_data TEXT NOT NULL DEFAULT '', at REAL NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',
    next_status TEXT NOT NULL DEFAULT '', next_at REAL, webhook INTEGER,
    edits INTEGER NOT NULL DEFAULT 0, unsent INTEGER NOT NULL DEFAULT 0, sent_from TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS messages_chat ON messages (number, person, at, seq);
CREATE INDEX IF NOT EXISTS messages_next ON messages (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS reactions (
    target TEXT NOT NULL, outgoing INTEGER NOT NULL, emoji TEXT NOT NULL, PRIMARY KEY (target, outgoing));
CREATE TABLE IF NOT EXISTS media (
    id TEXT PRIMARY KEY, number TEXT NOT NULL, mime TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    name TEXT NOT NULL, uploaded INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS presence (
    number TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (number, person, kind));
CREATE TABLE IF NOT EXISTS windows (
    number TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (number, person));
CREATE TABLE IF NOT EXISTS owners (
    number TEXT NOT NULL, person TEXT NOT NULL, app TEXT NOT NULL, PRIMARY KEY (number, person));
CREATE TABLE IF NOT EXISTS blocks (
    number TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (number, person));
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL, body BLOB NOT NULL, summary TEXT NOT NULL,
    lane TEXT NOT NULL, due REAL NOT NULL, created REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting', lease REAL NOT NULL DEFAULT 0, code INTEGER,
    error TEXT NOT NULL DEFAULT '', ms REAL, done REAL,
    signer TEXT NOT NULL DEFAULT 'meta');
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS webhooks_lane ON webhooks (lane, id) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope TEXT NOT NULL, remaining INTEGER,
    probability REAL NOT NULL, seed INTEGER NOT NULL, params TEXT NOT NULL, drawn INTEGER NOT NULL DEFAULT 0,
    applied INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    code INTEGER NOT NULL, note TEXT NOT NULL DEFAULT '');
"""
TABLES = (
    *("settings", "businesses", "numbers", "accounts", "scoped", "tokens", "codes", "templates", "people", "messages"),
    *("reactions", "media", "presence", "windows", "owners", "blocks", "webhooks", "faults", "calls"),
)
REVISION = "revision"  # goes up with every write: how the page learns that there is something new
DEFAULTS: dict[str, Any] = {
    "pace": 1.0,  # factor on the natural delays of statuses; 0 means at once
    "retry_first": 1.0,  # seconds before a refused webhook is posted again; doubles each time
    "retry_cap": 60.0,  # seconds between two tries at most
    "clock": 0.0,  # seconds that Meta's clock is ahead of the machine's (negative: behind)
    "callback": "",  # where WhatsApp's webhooks go; empty: settings.BASE_URL + /webhooks/whatsapp/
    "callback_messenger": "",  # the same of Messenger
    "callback_instagram": "",  # and of Instagram
    "review": "approve",  # what becomes of a template that is handed in: approve, reject, wait
}
_local = threading.local()


def path() -> Path:
    """The SQLite file that the settings name."""
    configured = getattr(settings, "SANDBOX_DB", None)
    if configured:
        return Path(configured)
    return Path(getattr(settings, "DATA_DIR", "var")) / "sandbox" / "world.db"


def media_folder() -> Path:
    """Where the bytes of media lie: beside the file, named after it, so that two worlds never mix."""
    return path().with_suffix(".media")


def exists() -> bool:
    """Whether anyone has used the sandbox yet."""
    return path().exists()


def connection() -> sqlite3.Connection:
    """This thread's connection to the present file; opened and, if need be, given its tables on first use."""
    key = (str(path()), os.getpid())
    held: tuple[tuple[str, int], sqlite3.Connection] | None = getattr(_local, "held", None)
    if held and held[0] == key:
        return held[1]
    if held and held[0][1] == key[1]:
        held[1].close()
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = sqlite3.connect(file, timeout=20, isolation_level=None, check_same_thread=False)
    opened.row_factory = sqlite3.Row
    opened.execute("PRAGMA busy_timeout = 20000")
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute("PRAGMA synchronous = NORMAL")
    _prepare(opened)
    _local.held = (key, opened)
    return opened


def close() -> None:
    """Close this thread's connection; the next use opens it again."""
    held: tuple[tuple[str, int], sqlite3.Connection] | None = getattr(_local, "held", None)
    if held and held[0][1] == os.getpid():
        held[1].close()
    _local.held = None


def _prepare(opened: sqlite3.Connection) -> None:
    """Create the tables of this version; empty a file of another one."""
    found = opened.execute("PRAGMA user_version").fetchone()[0]
    if found == VERSION:
        return
    opened.execute("BEGIN IMMEDIATE")
    try:
        if opened.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            for table in TABLES:
                opened.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                opened.execute(statement)
        opened.execute(f"PRAGMA user_version = {VERSION}")
        opened.execute("COMMIT")
    except BaseException:
        opened.execute("ROLLBACK")
        raise


@contextmanager
def write() -> Iterator[sqlite3.Connection]:
    """One write transaction; inside another one it simply takes part. Leaving it by an exception undoes it
    all."""
    opened = connection()
    if opened.in_transaction:
        yield opened
        return
    opened.execute("BEGIN IMMEDIATE")
    try:
        yield opened
        opened.execute(
            "INSERT INTO settings VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INT) + 1",
            (REVISION,),
        )
        opened.execute("COMMIT")
    except BaseException:
        if opened.in_transaction:
            opened.execute("ROLLBACK")
        raise


def rows(sql: str, *values: Value) -> list[sqlite3.Row]:
    """Every row of a query."""
    return connection().execute(sql, values).fetchall()


def row(sql: str, *values: Value) -> sqlite3.Row | None:
    """The first row of a query, or None."""
    found: sqlite3.Row | None = connection().execute(sql, values).fetchone()
    return found


def count(sql: str, *values: Value) -> int:
    """The first column of a query's first row, as a number (0 when there is none)."""
    found = row(sql, *values)
    return int(found[0] or 0) if found else 0


def app_callback(app: str) -> str:
    """Where the webhooks of `whatsapp`, `messenger` or `instagram` go, unless an object names another place."""
    own = setting("callback" if app == "whatsapp" else f"callback_{app}")
    return str(own or f"{settings.BASE_URL}/webhooks/{app}/")


def setting(name: str) -> Any:
    """One of DEFAULTS, as last set."""
    found = row("SELECT value FROM settings WHERE name = ?", name)
    if not found and name == "pace":
        return float(getattr(settings, "SANDBOX_PACE", DEFAULTS[name]))
    return json.loads(found["value"]) if found else DEFAULTS[name]


def change_setting(name: str, value: Any) -> None:
    """Set one of DEFAULTS; KeyError for a name that isn't one, ValueError for a value of another kind."""
    wanted = type(DEFAULTS[name])
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted):
        raise ValueError(f"{name} takes a {wanted.__name__}")
    with write() as db:
        db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))


def revision() -> int:
    """A number that every write raises."""
    found = row("SELECT value FROM settings WHERE name = ?", REVISION)
    return int(found["value"]) if found else 0


def now() -> float:
    """Meta's clock, in Unix seconds. Tests and the demo may set it apart from the machine's."""
    return time.time() + float(setting("clock"))


def reset() -> None:
    """Forget everything: every row, every file. Other processes keep their connections and find an empty
    world."""
    with write() as db:
        last = revision()
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above
        db.execute("INSERT INTO settings VALUES (?, ?)", (REVISION, str(last)))
    shutil.rmtree(media_folder(), ignore_errors=True)
    try:
        connection().execute("VACUUM")
        connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        pass  # another process is reading: the rows are gone all the same, their pages with its next checkpoint
