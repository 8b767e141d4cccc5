"""Each error code of the platform's list has a class and words (codes.csv holds the list's facts)."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels_app.contract import (
    ChannelStopped,
    CredentialsRefused,
    Permanent,
    PolicyRefused,
    Retryable,
)
from channels_app.providers.whatsapp import errors
from channels_app.providers.whatsapp.errors import Kind
from channels_app.stops import REASONS
from conversations.policy.words import REFUSALS

TYPES = {
    Kind.RETRY: Retryable, Kind.WAIT: Retryable, Kind.PAIR: Retryable, Kind.SLOW: Retryable,
    Kind.SLOW_ACCOUNT: Retryable, Kind.PERMANENT: Permanent, Kind.POLICY: PolicyRefused,
    Kind.CREDENTIALS: CredentialsRefused, Kind.STOPPED: ChannelStopped,
}  # fmt: skip


def listed() -> Iterator[tuple[int, str]]:
    """Every code of the list with its class; a range stands for each of its codes."""
    with (Path(__file__).parent / "codes.csv").open() as file:
        for row in csv.DictReader(file):
            for part in row["codes"].split():
                first, _, last = part.partition("-")
                for code in range(int(first), int(last or first) + 1):
                    yield code, row["class"]


LISTED = list(listed())


def test_every_listed_code_has_its_class_and_words_and_no_other_code_has_a_rule():
    assert {code: errors.TABLE[code].kind.value for code, _ in LISTED if code in errors.TABLE} == dict(LISTED)
    assert set(errors.known()) == {code for code, _ in LISTED}
    assert all(rule.words.endswith((".", "manager")) for rule in errors.TABLE.values())
    assert len(LISTED) > 300


def test_every_rule_becomes_the_error_that_the_outbox_knows():
    for code, rule in errors.TABLE.items():
        error = errors.error_of(code, "said")
        assert type(error) is TYPES[rule.kind] and error.title == rule.words and error.detail == "said", code
        assert error.code == code


def test_every_reason_has_words_and_a_next_step():
    reasons = {rule.reason for rule in errors.TABLE.values() if rule.kind == Kind.POLICY}
    assert reasons <= set(REFUSALS) and all(all(map(str, words)) for words in REFUSALS.values())
    stops = {rule.reason for rule in errors.TABLE.values() if rule.kind == Kind.STOPPED}
    assert stops <= set(REASONS) and all(str(stop.words) and str(stop.next_step) for stop in REASONS.values())


@pytest.mark.parametrize(
    ("code", "attempts"), [(131056, 6), (131064, 2), (131053, 2), (1, 2), (131000, 8), (130429, 20)]
)
def test_how_often_a_code_is_tried(code, attempts):
    assert errors.error_of(code).max_attempts == attempts


def test_meta_099_an_unknown_code_is_tried_once_later_and_then_metas_words_are_shown():
    answer = {"error": {"code": 199999, "message": "(#199999) Odd", "error_data": {"details": "Something odd."}}}
    error = errors.from_answer(400, answer)
    assert type(error) is Retryable and error.max_attempts == 2 and error.after.total_seconds() == 300
    assert (error.title, error.detail, error.code) == ("(#199999) Odd", "Something odd.", 199999)


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (401, None, CredentialsRefused), (401, {"error": {"code": "190"}}, CredentialsRefused),
        (429, {}, Retryable), (503, "gone", Retryable), (500, {"error": []}, Retryable),
        (400, {"error": {"code": True}}, Permanent), (404, [], Permanent), (400, {"error": {"error_data": 5}}, Permanent),
    ],
)  # fmt: skip
def test_an_answer_without_a_code_is_read_by_its_status(status, answer, kind):
    assert type(errors.from_answer(status, answer)) is kind
