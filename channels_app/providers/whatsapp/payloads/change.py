"""One element of `changes`: where it belongs, and how its elements are read without one harming another."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels_app.contract import Problem, Update
from channels_app.providers.meta.reading import as_list
from channels_app.providers.whatsapp.payloads.people import People

Found = Update | Problem | None  # None: known, and nothing for an inbox


@dataclass(slots=True)
class Change:
    """`own_app`: the id of our Meta app. `marks_open`: whether a reaction opens the reply window.
    `at`: the time of the entry, for fields whose value has none."""

    field: str
    account: str
    channel: str
    value: Mapping[str, Any]
    people: People
    at: datetime | None
    own_app: str
    marks_open: bool
    is_standby: bool = False
    is_history: bool = False


def elements(
    change: Change,
    name: str,
    read: Callable[[Change, Mapping[str, Any]], Found],
    *,
    of: Mapping[str, Any] | None = None,
) -> Iterator[Found]:
    """What the elements of a list of the value (or `of` a part of it) are, each read on its own."""
    for each in as_list((change.value if of is None else of).get(name)):
        if not isinstance(each, dict):
            yield Problem("not_an_object")
            continue
        try:
            yield read(change, each)
        except Exception:  # the last wall: what nobody foresaw costs this element alone, and stays in the raw event
            yield Problem("unreadable")
