"""Error reports: what they say, that they say nothing else, and that nothing depends on them."""

import sys
from collections.abc import Iterator

import pytest
from celery import current_app
from django.db import transaction
from django.test import Client

from omnistra.core import http, reports
from omnistra.core.checks import surface_is_closed
from omnistra.core.jobs import periodic_job
from tests.sentry import Sentry

SECRET = "quokka-4915566778899"


@pytest.fixture
def sentry(settings) -> Iterator[Sentry]:
    running = Sentry()
    settings.SENTRY_DSN = running.dsn
    yield running
    running.close()


def fail(word: str) -> None:
    """Raise with a cause, holding `word` in messages, variables and attributes."""
    held = {"word": word}
    try:
        raise KeyError(word)
    except KeyError as cause:
        error = ValueError(f"Key (email)=({held}) already exists")
        error.add_note(word)
        raise error from cause


def caught(word: str = SECRET) -> ValueError:
    try:
        fail(word)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.clause("2c")
def test_a_report_says_where_and_what_kind_and_nothing_else(sentry, settings):
    reports.capture(caught())
    reports.flush(5)
    (path, headers, _), *more = sentry.posts
    (event,) = sentry.events()
    assert path == "/api/42/envelope/" and more == []
    assert headers["X-Sentry-Auth"] == "Sentry sentry_key=publickey, sentry_version=7, sentry_client=omnistra"
    assert set(event) == {"event_id", "timestamp", "platform", "level", "release", "environment", "exception"}
    assert (event["release"], event["environment"]) == (settings.RELEASE, "test")
    cause, last = event["exception"]["values"]
    assert (cause["type"], last["type"], last["module"]) == ("KeyError", "ValueError", "builtins")
    assert set(last) == {"type", "module", "stacktrace"}
    frames = last["stacktrace"]["frames"]
    assert [frame["function"] for frame in frames] == ["caught", "fail"]
    assert all(set(frame) == {"module", "function", "lineno"} for frame in frames)
    assert frames[0]["module"] == "tests.core.test_reports" and frames[0]["lineno"] > 30
    assert SECRET not in sentry.raw().decode()


def test_a_name_that_is_none_is_not_passed_on(sentry):
    class Odd(Exception):
        __qualname__ = "Lena Fields <lena@example.org>"

    try:
        exec(compile("raise error", "x", "exec"), {"__name__": "+49 170 1112233", "error": Odd()})
    except Odd as error:
        reports.capture(error)
    reports.flush(5)
    text = sentry.raw().decode()
    assert "lena" not in text.lower() and "1112233" not in text and "[redacted]" in text


def test_without_an_address_nothing_is_made_and_nothing_sent(sentry, settings, monkeypatch):
    settings.SENTRY_DSN = ""
    monkeypatch.setattr(reports, "event", lambda error: pytest.fail("a report was made"))
    reports.capture(caught())
    reports.flush(1)
    assert sentry.posts == []
    assert http.REGISTER["reports"]() == set()


@pytest.mark.clause("7a")
def test_reports_go_to_the_address_of_the_setting_alone(sentry, settings):
    settings.SENTRY_DSN = "https://abc@o1.ingest.example/prefix/7"
    assert http.REGISTER["reports"]() == {"o1.ingest.example"}
    with pytest.raises(http.EgressRefused):
        http.client("reports").request("POST", f"http://127.0.0.1:{sentry.server_port}/api/7/envelope/")
    assert sentry.posts == []


def test_what_no_view_catches_is_reported_and_no_part_of_the_request_is(sentry, db, monkeypatch):
    def broken(slug: str) -> None:
        fail(SECRET)

    monkeypatch.setattr("omnistra.pages.policies.current", broken)
    client = Client(raise_request_exception=False, headers={"User-Agent": SECRET, "Cookie": f"a={SECRET}"})
    assert client.get(f"/terms/?q={SECRET}").status_code == 500
    reports.flush(5)
    (event,) = sentry.events()
    functions = [frame["function"] for frame in event["exception"]["values"][-1]["stacktrace"]["frames"]]
    assert functions[-2:] == ["broken", "fail"] and "document" in functions
    assert SECRET not in sentry.raw().decode()


def test_what_a_job_does_not_catch_is_reported(sentry, monkeypatch):
    monkeypatch.setattr("omnistra.core.jobs.JOBS", {})  # this one is no job of the product

    @periodic_job("test.fails")
    def fails() -> int:
        fail(SECRET)
        return 0

    current_app.tasks["test.fails"].apply()
    reports.flush(5)
    assert sentry.events()[0]["exception"]["values"][-1]["type"] == "ValueError"
    assert SECRET not in sentry.raw().decode()


def test_a_report_made_inside_a_transaction_is_sent_outside_of_it(sentry, committed):
    with transaction.atomic():
        reports.capture(caught())
        reports.flush(5)
    assert len(sentry.posts) == 1


def test_a_refusal_or_a_silent_address_holds_nothing_up_and_is_not_asked_again_for_a_while(sentry):
    sentry.codes = [429]
    reports.capture(caught())
    reports.flush(5)
    reports.capture(caught())
    reports.flush(5)
    assert len(sentry.posts) == 1
    reports._sender(sentry.dsn)._rest(0)
    reports.capture(caught())
    reports.flush(5)
    assert len(sentry.posts) == 2
    sentry.close()
    reports.capture(caught())
    reports.flush(5)


def test_the_library_that_collects_more_is_not_switched_on():
    import sentry_sdk

    assert not sentry_sdk.get_client().is_active()
    assert not any(name.startswith("sentry_sdk.integrations.django") for name in sys.modules)


@pytest.mark.parametrize(
    "dsn", ["http://abc@sentry.example/7", "https://sentry.example/7", "https://abc@sentry.example/"]
)
def test_an_unusable_address_is_refused_in_production(settings, dsn):
    settings.ENVIRONMENT = "production"
    settings.SENTRY_DSN = dsn
    assert "omnistra.E025" in {error.id for error in surface_is_closed(None)}
    settings.SENTRY_DSN = "https://abc@o1.ingest.example/prefix/7"
    assert "omnistra.E025" not in {error.id for error in surface_is_closed(None)}
