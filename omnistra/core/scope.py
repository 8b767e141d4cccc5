"""The scope in force: one workspace, or the installation for a stated reason. A context variable, which the database
backend applies inside every transaction (so nothing here may import models)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

WORKSPACE_SETTING = "omnistra.workspace"
CHANNELS_SETTING = "omnistra.channels"  # an array of ids, or ALL_CHANNELS; without either a query errors
ALL_CHANNELS = "all"


class OutsideScope(RuntimeError):
    """A workspace's or the system's rows were asked for outside the scope that may see them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Either one workspace (`workspace_id`), or the whole installation for a stated `reason`.

    `channels` narrows a workspace to what belongs to these channels; None is all of them.
    """

    workspace_id: UUID | None = None
    reason: str | None = None
    channels: tuple[UUID, ...] | None = None

    @property
    def is_system(self) -> bool:
        return self.reason is not None


_current: ContextVar[Scope | None] = ContextVar("omnistra_scope", default=None)


def current_scope() -> Scope | None:
    """The scope in force, or None."""
    return _current.get()


def current_workspace_id() -> UUID:
    """The workspace in force. Raises OutsideScope where there is none."""
    scope = _current.get()
    if scope is None or scope.workspace_id is None:
        raise OutsideScope("No workspace scope is in force: enter workspace_scope(workspace_id) first.")
    return scope.workspace_id


def default_workspace_id() -> Any:
    """The workspace that a new row gets: the one in force, else none (the database then refuses the row)."""
    scope = _current.get()
    return scope.workspace_id if scope else None


@contextmanager
def _enter(scope: Scope) -> Iterator[Scope]:
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def workspace_scope(workspace_id: UUID, channels: Iterable[UUID] | None = None) -> Any:
    """Context manager: queries see the rows of this workspace alone, and of its conversations only those on `channels`
    (None: all). The database backend applies it at the next statement of a transaction, and takes it back when the
    scope ends."""
    limit = None if channels is None else tuple(UUID(str(each)) for each in channels)
    return _enter(Scope(workspace_id=UUID(str(workspace_id)), channels=limit))


def system_scope(reason: str) -> Any:
    """Context manager: queries run as the system role, over all workspaces. `reason` reads like a job's name."""
    if not reason:
        raise ValueError("A system scope needs a reason.")
    return _enter(Scope(reason=reason))
