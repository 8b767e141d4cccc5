"""What `manage.py doctor` looks at: everything an installation needs, each on its own, and what to do where one fails.

A check gives a line of what it found, or raises: Trouble with the cause and the next step, anything else where it could
not be looked at.
"""

import os
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import get_connection
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from omnistra.core import checks, http, keyring, live

CLOCK_SECONDS = 2.0
_MINIMUM = 150000  # PostgreSQL 15, as server_version_num
_SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Trouble(Exception):
    """Something is wrong: `what`, and `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


def look_at_settings() -> str:
    """The system checks (core.checks, Django's own)."""
    found = [each for each in run_checks(databases=None) if each.is_serious() and not each.is_silenced()]
    if found:
        words = " ".join(f"{each.msg} {each.hint or ''}".strip() for each in found)
        raise Trouble(words, "Mend the settings that are named, then run this again.")
    return f"{settings.ENVIRONMENT}, nothing missing"


def _reach(alias: str) -> None:
    """Connect once without the pool, which waits and then tells no cause."""
    connection = connections[alias].copy()
    connection.settings_dict["OPTIONS"].pop("pool", None)
    connection.connect()
    connection.close()


def look_at_database() -> str:
    """It answers, serves by a role that row-level security binds, and has all tables."""
    _reach("default")
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_user"
        )
        version, number, role = cursor.fetchone()
        cursor.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [settings.SYSTEM_ROLE])
        may_enter = cursor.fetchone()[0]
    if number < _MINIMUM:
        raise Trouble(f"This is PostgreSQL {version}.", "Use PostgreSQL 15 or newer.")
    for error in checks.runtime_role_is_weak(None, databases=["default"]):
        raise Trouble(str(error.msg), str(error.hint))
    if not may_enter:
        raise Trouble(
            f"{role} cannot enter {settings.SYSTEM_ROLE}.",
            f"As the database's administrator: GRANT {settings.SYSTEM_ROLE} TO {role} (docs/architecture.md, Roles).",
        )
    return f"PostgreSQL {version}, serves as {role}, {_migrations('owner')}"


def look_at_keys() -> str:
    """The master key opens what the keys database holds, and what is sealed opens again."""
    try:
        masters = keyring.master_keys()
    except (OSError, ValueError, keyring.KeyMissing) as error:
        raise Trouble(
            f"MASTER_KEY_FILE cannot be used: {error}",
            "Name a file with 32 random bytes as base64, owned by this user, mode 600. Never make a new one for a "
            "database that is in use: what the old one sealed would stay closed.",
        ) from error
    _reach("keys")
    migrations = _migrations("keys")
    keyring.forget_opened_keys()
    try:
        key = keyring.ingress_key(datetime.now(UTC).date())
    except (keyring.SealBroken, LookupError) as error:
        raise Trouble(
            "The master key does not open the keys of this database.",
            "Put back the file that was there before (a rotated one holds the new key first and the old one below it).",
        ) from error
    if key.open(key.seal(b"doctor", b"doctor"), b"doctor") != b"doctor":
        raise Trouble("What was sealed did not open.", "Reinstall the requirements: the crypto library is broken.")
    return f"{len(masters)} master key(s), a value sealed and opened, {migrations}"


def _migrations(alias: str) -> str:
    loader = MigrationLoader(connections[alias])
    missing = [
        f"{app}.{name}"
        for app, name in sorted(loader.graph.nodes.keys() - loader.applied_migrations.keys())
        if (app == "core") == (alias == "keys")
    ]
    if missing:
        raise Trouble(f"{len(missing)} migration(s) are missing: {', '.join(missing[:3])}.", "Run: manage.py migrate")
    return "all migrations applied"


def look_at_broker() -> str:
    """It takes a connection."""
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        return f"{broker.transport_cls} answers"


def look_at_cache() -> str:
    """It keeps a value."""
    name, value = f"doctor:{secrets.token_hex(8)}", secrets.token_hex(8)
    if not live.answers():  # the cache itself forgives a server that is away
        raise ConnectionError("no answer")
    cache.set(name, value, timeout=60)
    if cache.get(name) != value:
        raise Trouble("The cache forgot a value at once.", "Give it memory, and see that its policy is noeviction.")
    cache.delete(name)
    return "a value was kept and removed"


def look_at_storage() -> str:
    """A file is written, read and removed."""
    content = secrets.token_bytes(1024)
    name = default_storage.save(f"doctor/{secrets.token_hex(8)}", ContentFile(content))
    try:
        with default_storage.open(name) as file:
            if file.read() != content:
                raise Trouble("The storage gave back another file.", "Do not let a cache or a filter stand before it.")
    finally:
        default_storage.delete(name)
    if default_storage.exists(name):
        raise Trouble("A removed file is still there.", "Allow deletion, and switch versioning of the bucket off.")
    return f"a file was written, read and removed ({urlsplit(settings.STORAGE_URL).scheme})"


def look_at_mail() -> str:
    """The mail server takes a connection and the sign-in."""
    if settings.EMAIL_BACKEND != _SMTP:
        kind = settings.EMAIL_BACKEND.split(".")[-2]
        if settings.ENVIRONMENT == "production" and settings.EMAIL_BACKEND.startswith("django.core.mail"):
            raise Trouble(f"Mails are not sent ({kind}).", "Set EMAIL_URL, e.g. smtp+tls://user:password@host:587")
        folder = getattr(settings, "EMAIL_FILE_PATH", None)
        if folder and Path(folder).exists() and not os.access(folder, os.W_OK):
            raise Trouble(f"{folder} cannot be written.", "Let this user write there.")
        return f"not sent but kept ({kind}{f': {folder}' if folder else ''})"
    mail = get_connection()
    mail.open()
    mail.close()
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} takes our mails"


def look_at_webhooks() -> str:
    """The platform's handshake, from outside in: BASE_URL leads to this installation."""
    challenge = secrets.token_hex(8)
    url = f"{settings.BASE_URL}/webhooks/whatsapp/"
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": settings.META_VERIFY_TOKEN}
    try:
        answer = http.client("self").request("GET", url, params=query)
    except http.EgressRefused as error:
        raise Trouble(
            f"{url} is not reachable from the internet: {error}", "Set BASE_URL to the https address that Meta calls."
        ) from error
    except OSError as error:
        raise Trouble(
            f"{url} does not answer: {error}",
            "Start the web server, and see that DNS, proxy and certificate of BASE_URL lead to it.",
        ) from error
    if answer.status != 200 or answer.body != challenge.encode():
        raise Trouble(
            f"{url} answers {answer.status} and not the handshake.",
            "See that BASE_URL leads to this installation and that META_VERIFY_TOKEN is the one of its web server.",
        )
    return f"{url} answers the handshake"


def look_at_clock() -> str:
    """This machine and the database agree on the time."""
    before = time.time()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(cursor.fetchone()[0])
    difference = max(before - theirs, theirs - time.time(), 0.0)
    if difference > CLOCK_SECONDS:
        raise Trouble(
            f"This machine and the database are {difference:.0f} s apart.",
            "Let both follow NTP: reply windows and retention depend on the time.",
        )
    return "agrees with the database's"


# Name -> check, and what to do where it could not even be looked at.
CHECKS: dict[str, tuple[Callable[[], str], str]] = {
    "settings": (look_at_settings, "Mend the setting."),
    "database": (
        look_at_database,
        "Start PostgreSQL, or mend DATABASE_URL and DATABASE_OWNER_URL. With the embedded one: make run",
    ),
    "keys": (look_at_keys, "Start the keys database, or mend KEYS_DATABASE_URL. With the embedded one: make run"),
    "broker": (look_at_broker, "Start the broker, or mend CELERY_BROKER_URL. With the embedded one: make run"),
    "cache": (look_at_cache, "Start Valkey or Redis, or mend CACHE_URL. With the embedded one: make run"),
    "storage": (look_at_storage, "Mend STORAGE_URL, and let this user write, read and delete there."),
    "mail": (look_at_mail, "Mend EMAIL_URL: host, port, user and password."),
    "webhooks": (look_at_webhooks, "Mend BASE_URL."),
    "clock": (look_at_clock, "Start the database first."),
}
