"""The door of the API: who is let in, how often, from where, and what is said of those who are not."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.api_auth import ScopedView
from accounts.api_guard import ApiKeyAuthentication
from accounts.models import ApiKey
from omnistra.core import rates
from tests.accounts.api_keys.keys import LIST, again, ask, change, entries, issue, status

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def clock(monkeypatch):
    now = [1_800_000_000.0]
    monkeypatch.setattr(rates.time, "time", lambda: now[0])
    return now


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Basic b21uOng=", "omn_x", "Bearer omn_", "Bearer a b c", "Bearer \x00", "Bearer ÿ",
        "Bearer " + "x" * 10_000, "Bearer null", "bearer",
    ],
)  # fmt: skip
def test_a_header_that_opens_nothing_is_answered_401_as_a_problem(workspace, header):
    answer = Client(headers={"Authorization": header}).get(LIST)
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_the_scheme_is_read_in_any_case(workspace):
    _, secret = issue(workspace)
    assert Client(headers={"Authorization": f"bEARER   {secret} "}).get(LIST).status_code == 200


@pytest.mark.clause("12a")
def test_a_place_that_guesses_is_not_listened_to_any_more_and_others_are(workspace, clock):
    _, secret = issue(workspace)
    tries = [status(f"omn_{number}") for number in range(ApiKeyAuthentication.FAILURES + 5)]
    assert tries == [401] * ApiKeyAuthentication.FAILURES + [429] * 5
    answer = ask(secret)
    assert answer.status_code == 429 and int(answer["Retry-After"]) <= 62  # the right one too: it shows nothing
    assert entries(workspace, "api_key.used_from_new_address") == []
    assert status(secret, ip="198.51.100.4") == 200
    clock[0] += 62
    assert status(secret) == 200


def test_a_key_that_works_is_never_counted_as_a_failure(workspace):
    _, secret = issue(workspace)
    assert {status(secret) for _ in range(ApiKeyAuthentication.FAILURES + 5)} == {200}


def test_a_key_has_its_rate_and_every_answer_says_what_is_left(workspace, monkeypatch, clock):
    monkeypatch.setattr(ScopedView, "LIMIT", 3)
    _, secret = issue(workspace)
    first = ask(secret)
    assert first["RateLimit-Policy"] == '"key";q=3;w=60' and first["RateLimit"] == '"key";r=2;t=61'
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"], first["RateLimit-Reset"]) == ("3", "2", "61")
    assert status(secret, "/api/v1/channels/") == 403  # refused, and counted
    clock[0] += 59
    assert status(secret) == 200
    clock[0] += 1.5
    refused = ask(secret)
    assert refused.status_code == 429 and refused["Content-Type"] == "application/problem+json"
    assert refused["RateLimit-Remaining"] == "0" and int(refused["Retry-After"]) >= 1
    _, another = issue(workspace)
    assert status(another) == 200


def test_the_api_stays_open_while_valkey_is_away(workspace, settings):
    _, secret = issue(workspace)
    settings.CACHE_URL = "unix:///nowhere.sock"
    assert status(secret) == 200 and status("omn_x") == 401


@pytest.mark.clause("12a")
def test_a_use_from_a_new_address_is_recorded_once_and_without_the_address(workspace):
    key, secret = issue(workspace)
    for ip in ("203.0.113.7", "203.0.113.7", "198.51.100.4", "203.0.113.7", "2001:db8::1", "2001:db8::2"):
        assert status(secret, ip=ip) == 200
    found = entries(workspace, "api_key.used_from_new_address")
    assert [(each.actor_kind, each.actor_id, each.target_id, each.fields) for each in found] == [
        ("api_key", key.pk, key.pk, [])
    ] * 3
    row = again(workspace, key)
    assert len(row.addresses) == 3 and row.last_used_at is not None
    assert not any(b"203.0.113" in bytes(each) for each in row.addresses)


def test_the_same_place_leaves_another_mark_on_another_key(workspace):
    first, second = issue(workspace), issue(workspace)
    marks = []
    for key, secret in (first, second):
        status(secret)
        marks.append(bytes(again(workspace, key).addresses[0]))
    assert marks[0] != marks[1]


def test_a_key_remembers_its_last_hundred_addresses(workspace, monkeypatch):
    monkeypatch.setattr(ApiKey, "ADDRESSES", 3)
    key, secret = issue(workspace)
    for number in (1, 2, 3, 4, 1):
        assert status(secret, ip=f"203.0.113.{number}") == 200
    assert len(again(workspace, key).addresses) == 3
    assert len(entries(workspace, "api_key.used_from_new_address")) == 5


def test_a_key_that_is_refused_leaves_no_trace_of_use(workspace):
    key, secret = issue(workspace)
    change(workspace, key, revoked_at=timezone.now())
    assert status(secret) == 401
    row = again(workspace, key)
    assert row.last_used_at is None and row.addresses == []
    assert entries(workspace, "api_key.used_from_new_address") == []
