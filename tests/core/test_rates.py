"""Sliding windows in the real Valkey: in no stretch of time as long as the window does the limit get passed."""

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnistra.core import rates
from omnistra.core.addresses import network

BEGIN = 1_800_000_000.0


@pytest.fixture
def clock(monkeypatch, servers):
    """Says what time it is."""
    now = [BEGIN]
    monkeypatch.setattr(rates.time, "time", lambda: now[0])
    return now


def test_the_limit_holds_across_the_border_of_two_minutes(clock):
    name = str(uuid4())
    clock[0] = BEGIN + 59.9
    assert [rates.take(name, 5, 60).allowed for _ in range(6)] == [True] * 5 + [False]
    clock[0] = BEGIN + 60.1  # a fixed window would begin anew here
    assert not rates.take(name, 5, 60).allowed
    clock[0] = BEGIN + 121
    assert rates.take(name, 5, 60).allowed


def test_what_is_left_and_when_more_comes_is_told(clock):
    name = str(uuid4())
    rate = rates.take(name, 3, 60)
    assert (rate.limit, rate.seconds, rate.remaining, rate.reset) == (3, 60, 2, 61)
    clock[0] += 30
    for _ in range(2):
        rate = rates.take(name, 3, 60)
    assert (rate.remaining, rate.reset) == (0, 31)
    clock[0] += 30.9
    assert not rates.take(name, 3, 60).allowed
    clock[0] += 0.2
    assert rates.take(name, 3, 60).remaining == 0


def test_what_is_refused_and_what_is_only_looked_at_does_not_count(clock):
    name = str(uuid4())
    for _ in range(50):
        assert rates.take(name, 2, 60, count=False).remaining == 2
    for _ in range(50):
        rates.take(name, 2, 60)
    clock[0] += 62
    assert rates.take(name, 2, 60).allowed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.integers(1, 8))
def test_no_window_of_any_sequence_holds_more_than_the_limit(servers, steps, limit):
    name, now, allowed = str(uuid4()), BEGIN, []
    with pytest.MonkeyPatch.context() as patch:
        for step in steps:
            now += step
            patch.setattr(rates.time, "time", lambda now=now: now)
            if rates.take(name, limit, 60).allowed:
                allowed.append(now)
    for at in allowed:
        assert sum(at <= each < at + 60 for each in allowed) <= limit


def test_without_valkey_nothing_is_counted_and_nothing_is_refused(monkeypatch, settings):
    settings.CACHE_URL = "unix:///nowhere.sock"
    assert rates.take("anything", 1, 60) is None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_place_is_an_address_or_the_half_of_one_that_a_household_has(address, place):
    assert network(address) == place
