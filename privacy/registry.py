"""The register of what every model holds, and of the stores that erasure empties.

Each app's personal_data.py fills it (discovered like admin.py), so that privacy purges models it never imports.
A field that is not classified fails the tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.registry import add_channel_names as add_channel_names
from accounts.registry import channel_names as channel_names
from privacy.selection import Selection


@dataclass(frozen=True, slots=True)
class Holding:
    """What one model holds. `personal`: field -> (purpose, legal basis); `clear`: fields that say nothing of a person.

    role: `controller` (account data) or `processor` (end users' data), policy clauses 1a and 1b.
    """

    model: type[Model]
    role: str
    retention: str
    personal: dict[str, tuple[str, str]] = field(default_factory=dict)
    clear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """One kind of rows that retention erases, in order. `candidates` selects (several querysets may overlap),
    `erase` deletes rows by id inside a transaction and tells what it deleted, per kind."""

    name: str
    candidates: Callable[[Selection], Sequence[QuerySet[Any]]]
    erase: Callable[[UUID, Selection, Sequence[UUID]], dict[str, int]]
    chunk: int


HOLDINGS: dict[type[Model], Holding] = {}
STORES: list[Store] = []
FAREWELLS: list[Callable[[], None]] = []


def register(
    model: type[Model],
    *,
    role: str,
    retention: str,
    personal: dict[str, tuple[str, str]] | None = None,
    clear: Sequence[str] = (),
) -> None:
    """Say what a model holds."""
    HOLDINGS[model] = Holding(model, role, retention, personal or {}, tuple(clear))


def add_store(store: Store) -> None:
    """Add a store; they are erased in the order in which they were added."""
    STORES.append(store)


def add_farewell(leave: Callable[[], None]) -> None:
    """Say what has to be told to the outside before a workspace is erased. In its scope, outside any transaction; it
    may be called again after an interruption."""
    FAREWELLS.append(leave)
