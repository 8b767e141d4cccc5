"""`manage.py doctor`: all well, each thing in trouble on its own, and everything away at once."""

import base64
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections

from omnistra.core import doctor, keyring
from omnistra.embedded.environment import CHECKOUT
from tests.product import free_port

NAMES = list(doctor.CHECKS)


@pytest.fixture(autouse=True)
def web(committed, settings) -> Iterator[ThreadingHTTPServer]:
    """A web server at BASE_URL that answers the handshake as ours does."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            holds = query["hub.verify_token"] == [django_settings.META_VERIFY_TOKEN]
            self.send_response(200 if holds else 403)
            self.end_headers()
            self.wfile.write(query["hub.challenge"][0].encode() if holds else b"")

        def log_message(self, *args) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
    settings.BASE_URL = f"http://127.0.0.1:{running.server_port}"
    yield running
    running.shutdown()
    running.server_close()


def run() -> tuple[int, dict[str, str], str]:
    """The exit code, each check's state, and all that was said."""
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    said = out.getvalue()
    return code, dict(re.findall(r"^(ok|FAILS) +(\w+)", said, re.M)[i][::-1] for i in range(len(NAMES))), said


def fails(name: str, words: str) -> str:
    """Exactly this one fails, in these words, with a next step; gives all that was said."""
    code, states, said = run()
    assert code == 1
    assert {each for each, state in states.items() if state == "FAILS"} == {name}, said
    assert words in said and "→" in said
    return said


def test_when_all_is_well_it_says_so_and_leaves_nothing_behind():
    code, states, said = run()
    assert code == 0 and states == dict.fromkeys(NAMES, "ok"), said
    assert not default_storage.exists("doctor") or default_storage.listdir("doctor")[1] == []


def test_a_missing_migration_is_named():
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'conversations' AND name = '0001_initial'")
    try:
        said = fails("database", "conversations.0001_initial")
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('conversations', '0001_initial', now())"
            )
    assert "manage.py migrate" in said


def test_a_role_that_row_level_security_does_not_bind_is_refused(monkeypatch):
    from django.core.checks import Error

    monkeypatch.setattr(
        "omnistra.core.checks.runtime_role_is_weak", lambda *args, **kwargs: [Error("too powerful", hint="weaken it")]
    )
    fails("database", "too powerful")


@pytest.mark.parametrize("content", [None, "", "not base64 at all!", base64.b64encode(b"short").decode()])
def test_a_master_key_that_cannot_be_used_is_told(settings, tmp_path, content):
    path = tmp_path / "master.key"
    if content is not None:
        path.write_text(content)
    settings.MASTER_KEY_FILE = str(path)
    fails("keys", "MASTER_KEY_FILE cannot be used")


def test_another_master_key_than_the_databases_is_told(settings, tmp_path):
    doctor.look_at_keys()  # there is a key of today
    path = tmp_path / "master.key"
    path.write_text(base64.b64encode(os.urandom(32)).decode())
    settings.MASTER_KEY_FILE = str(path)
    fails("keys", "does not open the keys of this database")
    keyring.forget_opened_keys()


def test_a_broker_a_cache_and_a_mail_server_that_are_away_are_told(settings, monkeypatch):
    port = free_port()
    settings.CACHE_URL = f"redis://127.0.0.1:{port}/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{port}/0"}}
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = port
    monkeypatch.setattr(
        "celery.app.base.Celery.connection_for_write", lambda app: app.connection(f"redis://127.0.0.1:{port}/0")
    )
    code, states, said = run()
    assert code == 1
    assert {name for name, state in states.items() if state == "FAILS"} == {"broker", "cache", "mail"}, said
    for setting in ("CELERY_BROKER_URL", "CACHE_URL", "EMAIL_URL"):
        assert setting in said


def test_in_production_mails_that_go_nowhere_are_told(settings):
    settings.ENVIRONMENT = "production"
    with pytest.raises(doctor.Trouble, match="not sent"):
        doctor.look_at_mail()


def test_a_storage_that_cannot_be_written_is_told(settings, tmp_path):
    blocked = tmp_path / "files"
    blocked.write_text("a file stands where the folder should")
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(blocked)}},
    }
    fails("storage", "STORAGE_URL")


def test_an_address_that_leads_elsewhere_or_nowhere_is_told(settings, web):
    settings.META_VERIFY_TOKEN = "another"
    code, _, _ = run()
    assert code == 0
    web.RequestHandlerClass.do_GET = lambda door: (door.send_response(404), door.end_headers())
    fails("webhooks", "answers 404")
    settings.BASE_URL = f"http://127.0.0.1:{free_port()}"
    fails("webhooks", "does not answer")
    settings.BASE_URL = "https://10.1.2.3"
    fails("webhooks", "not reachable from the internet")


def test_a_clock_that_goes_wrong_is_told(monkeypatch):
    real = time.time
    monkeypatch.setattr("omnistra.core.doctor.time.time", lambda: real() + 90)
    with pytest.raises(doctor.Trouble, match="90 s apart"):
        doctor.look_at_clock()


def test_with_every_server_away_the_command_ends_with_1_and_says_what_to_do(tmp_path):
    """As a person runs it: local settings, nothing started."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60,
        env={**kept, "OMNISTRA_DATA": str(tmp_path / "My Data"), "PORT": str(free_port())},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    states = {name: state for state, name in re.findall(r"^(ok|FAILS) +(\w+)", done.stdout, re.M)}
    assert set(states) == set(NAMES)
    away = {name for name, state in states.items() if state == "FAILS"}
    assert away == {"database", "keys", "broker", "cache", "webhooks", "clock"}
    assert done.stdout.count("make run") >= 3
    assert "Traceback" not in done.stdout + done.stderr
