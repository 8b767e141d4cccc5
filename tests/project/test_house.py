"""Jobs are called, migrations are there, imports go downwards."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from omnistra.celery import app
from omnistra.core.jobs import JOBS

ROOT = Path(settings.BASE_DIR)
APPS = ("omnistra", "accounts", "channels_app", "conversations", "privacy", "billing")


def _sources() -> dict[Path, str]:
    return {path: path.read_text() for name in APPS for path in (ROOT / name).rglob("*.py")}


def _functions() -> dict[str, str]:
    """Job name -> name of the function that does it."""
    found = {}
    for text in _sources().values():
        for name, function in re.findall(r'@(?:periodic|workspace)_job\("([\w.]+)"[^)]*\)\ndef (\w+)', text):
            found[name] = function
    return found


def test_every_job_is_in_the_schedule_or_has_a_caller():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    functions, text = _functions(), "\n".join(_sources().values())
    assert set(functions) == set(JOBS)
    for name in set(JOBS) - scheduled:
        assert f'wake("{name}")' in text or re.search(rf"\b{functions[name]}\.enqueue\(", text), f"nothing runs {name}"


def test_every_entry_of_the_schedule_names_a_job_that_needs_no_workspace():
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert JOBS.get(entry["task"]) == "periodic"


def test_every_wake_up_names_a_job():
    app.loader.import_default_modules()
    for path, text in _sources().items():
        for name in re.findall(r'\bwake\("([\w.]+)"\)', text):
            assert name in JOBS, f"{path.name} wakes {name}"


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_imports_go_downwards():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]


@pytest.mark.clause("4b")
def test_only_the_outbox_calls_a_providers_send():
    callers = {
        path.relative_to(ROOT).as_posix()
        for path, text in _sources().items()
        if re.search(r"\b(?:platform|provider\([^)]*\)|whatsapp)\.send\(", text, re.IGNORECASE)
    }
    assert callers == {"conversations/delivery.py"}


@pytest.mark.clause("7a")
def test_nothing_but_the_one_client_opens_connections_outward():
    allowed = {"omnistra/core/http.py"}
    importers = {
        path.relative_to(ROOT).as_posix()
        for path, text in _sources().items()
        if re.search(
            r"^\s*(?:import|from) (?:requests|httpx|aiohttp|urllib3|urllib\.request|http\.client)\b", text, re.M
        )
        and "sandbox" not in path.parts  # the other side: it calls us, and exists under local and test only
        and "embedded" not in path.parts  # asks its own web server on this machine whether it is up
    }
    assert importers <= allowed, importers - allowed
