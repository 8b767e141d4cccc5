"""Marks name clauses that exist, and what is said to be proven has a test."""

import re
from pathlib import Path

from tests.project.promises import CLAUSES, PROVEN

TESTS = Path(__file__).parents[1]
_MARK = re.compile(r"mark\.clause\(\s*[\"']([^\"']*)[\"']")


def marked() -> set[str]:
    """The clauses that marks in the test files name."""
    return {clause for path in TESTS.rglob("test_*.py") for clause in _MARK.findall(path.read_text())}


def test_every_mark_names_a_clause_of_the_policy():
    assert marked() <= set(CLAUSES)


def test_every_clause_that_is_said_to_be_proven_has_a_marked_test():
    assert set(CLAUSES) >= PROVEN
    assert PROVEN - marked() == set()
