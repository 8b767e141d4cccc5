"""Who somebody is: phone number, business-scoped id, user name (providers/whatsapp.md 5).

What stands where is not to be trusted: a scoped id may come in the place of a number, so the form decides.
"""

import re
from collections.abc import Mapping
from typing import Any

from channels_app.contract import Person
from channels_app.providers.meta.reading import as_dict, as_list, as_text

_PHONE = re.compile(r"[0-9]{6,15}\Z")
_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}\Z")
NOBODY = Person({})


def handles_of(*values: Any) -> dict[str, str]:
    """The handles among some values; of two of a kind the first."""
    handles: dict[str, str] = {}
    for value in values:
        text = as_text(value, 160)
        if _PHONE.match(text):
            handles.setdefault("wa_id", text)
        elif _BSUID.match(text):
            handles.setdefault("bsuid", text)
    return handles


def username_of(value: Any) -> str:
    """A user name, which comes with or without @."""
    return as_text(value, 80).strip().lstrip("@").strip()


def digits_of(value: Any) -> str:
    """A phone number without what people write between its digits."""
    text = as_text(value, 40)
    return "".join(each for each in text if each in "0123456789") if text.strip("+0123456789 -()./") == "" else text


class People:
    """The entries of `contacts` of one change, found by id, never by position. Each person is read once."""

    __slots__ = ("_by_number", "_by_scoped_id", "_entries", "_read")

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._entries = [as_dict(each) for each in as_list(value.get("contacts"))]
        self._by_number: dict[str, Mapping[str, Any]] = {}
        self._by_scoped_id: dict[str, Mapping[str, Any]] = {}
        self._read: dict[tuple[str, str], Person] = {}
        for entry in self._entries:
            self._by_number.setdefault(as_text(entry.get("wa_id"), 160), entry)
            self._by_scoped_id.setdefault(as_text(entry.get("user_id"), 160), entry)

    def of(self, number: Any, scoped_id: Any) -> Person:
        """The person with these ids, either of which may be missing. Without any it is the only entry."""
        key = as_text(number, 160), as_text(scoped_id, 160)
        person = self._read.get(key)
        if person is None:
            person = self._read[key] = _person(self._entry(*key), *key)
        return person

    def _entry(self, number: str, scoped_id: str) -> Mapping[str, Any]:
        if not number and not scoped_id:
            return self._entries[0] if len(self._entries) == 1 else {}
        if scoped_id and (found := self._by_scoped_id.get(scoped_id)) is not None:
            return found
        found = (self._by_number.get(number) or self._by_scoped_id.get(number)) if number else None
        if found is None:
            return {}
        # A number with another scoped id is somebody else's: the entry is not about this person.
        return {} if scoped_id and as_text(found.get("user_id"), 160) not in ("", scoped_id) else found


def _person(entry: Mapping[str, Any], number: str, scoped_id: str) -> Person:
    profile = as_dict(entry.get("profile"))
    handles = handles_of(scoped_id, entry.get("wa_id"), entry.get("user_id"), number)
    if handles and (username := username_of(profile.get("username"))):
        handles["username"] = username
    return Person(handles, as_text(profile.get("name"), 200).strip()) if handles else NOBODY


class OnePerson(People):
    """Where a thread says whose it is: everything in it is about that person."""

    __slots__ = ("_person",)

    def __init__(self, person: Person) -> None:
        self._person = person

    def of(self, number: Any, scoped_id: Any) -> Person:
        """That person, whatever the ids."""
        return self._person
