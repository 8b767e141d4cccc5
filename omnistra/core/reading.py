"""Who reads: a request of an operator opens nothing sealed but what a workspace granted.

The guard stands where values are opened (omnistra.core.sealing), below views, templates and admin: a page that forgets
to ask still shows nothing. A context variable, so it holds for one request and not for the process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Covers = Callable[[Any], bool]  # row -> whether the grant covers what is sealed in it


class SealedShut(RuntimeError):
    """An operator's request tried to open a sealed value without a live grant that covers it."""


_covers: ContextVar[Covers | None] = ContextVar("omnistra_operator_covers", default=None)


def _nothing(row: Any) -> bool:
    return False


@contextmanager
def operator_reading(covers: Covers = _nothing) -> Iterator[None]:
    """Inside, sealed values open only where `covers(row)` says so; sealed files do not open at all."""
    token = _covers.set(covers)
    try:
        yield
    finally:
        _covers.reset(token)


def check_row(row: Any) -> None:
    """Raises SealedShut when the request in force may not open what is sealed in this row."""
    covers = _covers.get()
    if covers is not None and not covers(row):
        raise SealedShut("Operators read only what a workspace has granted them.")


def check_file() -> None:
    """Raises SealedShut in any request of an operator: grants cover words, not files."""
    if _covers.get() is not None:
        raise SealedShut("Operators open no files.")
