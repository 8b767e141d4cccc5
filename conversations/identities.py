"""Who is who: finds or makes the contacts of a batch of events, set-wise.

1. A scoped id identifies; a number identifies unless its contact is known under another scoped id, because numbers change
   hands (providers/whatsapp.md 5): then the writer is a new contact and the number moves to it.
2. A contact that is known by a number alone is the one whose scoped id comes with that number: the two are merged.
3. What was somebody's once leads to them only for events of that time; the newest event says whose it is now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from channels_app.contract import Person
from conversations import merging
from conversations.models import Contact, Handle
from omnistra.core import keyring
from omnistra.core.bulk import insert_new, update_rows
from omnistra.core.ids import uuid7
from omnistra.core.sealing import blind, preload

HandleKey = tuple[str, bytes]  # kind, hash


def handle_hash(workspace_id: UUID, provider: str, kind: str, value: str) -> bytes:
    """Under what a handle is looked up."""
    return blind(workspace_id, f"handle:{provider}:{kind}", value)


def message_hash(workspace_id: UUID, channel_id: UUID, external_id: str) -> bytes:
    """Under what a message's provider id is looked up."""
    return blind(workspace_id, f"message:{channel_id}", external_id)


def _keys(workspace_id: UUID, provider: str, handles: Mapping[str, str]) -> dict[str, bytes]:
    return {kind: handle_hash(workspace_id, provider, kind, value) for kind, value in handles.items()}


class _Book:
    """What is known of the handles at hand: which contact holds which, and who held which until when."""

    def __init__(self, handles: Iterable[tuple[UUID, str, bytes, datetime | None]]) -> None:
        self.holder: dict[HandleKey, UUID] = {}
        self.of: dict[UUID, set[HandleKey]] = {}
        self.former: dict[HandleKey, list[tuple[datetime, UUID]]] = {}
        for contact_id, kind, value_hash, ended_at in handles:
            key = (kind, bytes(value_hash))
            if ended_at is None:
                self.note(contact_id, key)
            else:
                self.former.setdefault(key, []).append((ended_at, contact_id))

    @classmethod
    def read(cls, provider: str, keyed: Iterable[Mapping[str, bytes]]) -> "_Book":
        """All handles of everybody who holds or held one of these."""
        wanted = {hashed for keys in keyed for kind, hashed in keys.items() if kind in Handle.KEYS}
        found = Handle.objects.filter(provider=provider, kind__in=Handle.KEYS, value_hash__any=wanted)
        # Two look-ups by index instead of one with a subquery: measured, fresh tables made PostgreSQL join by nested
        # loops.
        holders = set(found.values_list("contact_id", flat=True))
        known = Handle.objects.filter(provider=provider, contact_id__any=holders)
        return cls(known.values_list("contact_id", "kind", "value_hash", "ended_at"))

    def note(self, contact_id: UUID, key: HandleKey) -> None:
        if key[0] in Handle.KEYS:
            self.holder[key] = contact_id
        self.of.setdefault(contact_id, set()).add(key)

    def has_scoped_id(self, contact_id: UUID) -> bool:
        return any(kind in Handle.KEYS and kind != Handle.NUMBER for kind, _ in self.of.get(contact_id, ()))

    def ended(self, contact_id: UUID, key: HandleKey) -> datetime | None:
        """When the contact ceased to hold the handle, if it ever held it."""
        return next((at for at, former in self.former.get(key, ()) if former == contact_id), None)

    def find(self, keys: Mapping[str, bytes], at: datetime) -> UUID | None:
        """Whose handles these were at that time."""
        scoped = [(kind, hashed) for kind, hashed in keys.items() if kind in Handle.KEYS and kind != Handle.NUMBER]
        for key in scoped:
            if found := self.holder.get(key):
                return found
        number = (Handle.NUMBER, keys[Handle.NUMBER]) if Handle.NUMBER in keys else None
        if self.former:
            for key in [*scoped, number] if number else scoped:
                for ended_at, contact_id in sorted(self.former.get(key, ())):
                    if at <= ended_at:
                        return contact_id
        if number and (found := self.holder.get(number)):
            return None if scoped and self.has_scoped_id(found) else found
        return None


@dataclass(slots=True)
class _Changes:
    """What a batch changes of handles: new ones by (contact, key), ended ones, ones that are in use again, merges."""

    added: dict[tuple[UUID, HandleKey], Handle] = field(default_factory=dict)
    ended: dict[tuple[UUID, HandleKey], datetime] = field(default_factory=dict)
    again: set[tuple[UUID, HandleKey]] = field(default_factory=set)
    merged: dict[UUID, UUID] = field(default_factory=dict)  # who goes -> who stays


def resolve(workspace_id: UUID, provider: str, people: Sequence[tuple[Person, datetime]]) -> list[UUID]:
    """The contact of each person, in order; new ones are made. The caller holds the workspace's ingest lock.

    `people` come with the time of their event: the newest profile name wins.
    """
    keyed = [_keys(workspace_id, provider, person.handles) for person, _ in people]
    book, changes = _Book.read(provider, keyed), _Changes()
    resolved: list[UUID] = []
    fresh: dict[UUID, Contact] = {}
    names: dict[UUID, tuple[datetime, str]] = {}
    for (person, at), keys in zip(people, keyed, strict=True):
        contact_id = book.find(keys, at)
        if contact_id in changes.merged:
            contact_id = merging.final(contact_id, changes.merged)
        if contact_id is None:
            contact_id = uuid7()
            fresh[contact_id] = Contact(id=contact_id, workspace_id=workspace_id)
        held = book.of.get(contact_id, ())
        for kind, hashed in keys.items():
            if (kind, hashed) not in held:
                _give(book, changes, workspace_id, provider, contact_id, (kind, hashed), person.handles[kind], at)
        if person.name and (contact_id not in names or names[contact_id][0] <= at):
            names[contact_id] = (at, person.name)
        resolved.append(contact_id)
    keyring.contact_keys(workspace_id, set(resolved))
    for contact_id, contact in fresh.items():
        contact.name = names.pop(contact_id)[1] if contact_id in names else None
    insert_new(list(fresh.values()))
    _rename({contact_id: named for contact_id, named in names.items() if contact_id not in changes.merged})
    _write(workspace_id, provider, changes)
    return [merging.final(contact_id, changes.merged) for contact_id in resolved] if changes.merged else resolved


def _give(
    book: _Book, changes: _Changes, workspace_id: UUID, provider: str, contact_id: UUID, key: HandleKey, value: str,
    at: datetime,
) -> None:  # fmt: skip
    """A contact has a handle that it did not have, so another one may lose it."""
    ended_at = book.ended(contact_id, key)
    if ended_at is not None and at <= ended_at:  # an event of the time when it still was theirs
        return
    other = book.holder.get(key)
    if other is not None and other != contact_id:
        if key[0] != Handle.NUMBER:
            return
        if not book.has_scoped_id(other):
            _merge(book, changes, other, contact_id)
            return
        _end(book, changes, other, key, at)
    book.note(contact_id, key)
    if row := changes.added.get((contact_id, key)):
        row.ended_at = None
    elif ended_at is not None:
        changes.again.add((contact_id, key))
    else:
        changes.added[contact_id, key] = Handle(
            workspace_id=workspace_id, contact_id=contact_id, provider=provider, kind=key[0], value=value,
            value_hash=key[1],
        )  # fmt: skip


def _end(book: _Book, changes: _Changes, contact_id: UUID, key: HandleKey, at: datetime) -> None:
    book.of[contact_id].discard(key)
    book.holder.pop(key, None)
    book.former.setdefault(key, []).append((at, contact_id))
    if row := changes.added.get((contact_id, key)):
        row.ended_at = at
    else:
        changes.again.discard((contact_id, key))
        changes.ended[contact_id, key] = at


def _merge(book: _Book, changes: _Changes, goes: UUID, stays: UUID) -> None:
    changes.merged[goes] = stays
    for key in book.of.pop(goes, set()):
        book.note(stays, key)


def _write(workspace_id: UUID, provider: str, changes: _Changes) -> None:
    rows = [(contact, key, at) for (contact, key), at in changes.ended.items()]
    rows += [(contact, key, None) for contact, key in changes.again]  # type: ignore[misc]
    # Ended ones first: a number is somebody's once at a time.
    for part in (rows[: len(changes.ended)], rows[len(changes.ended) :]):
        if part:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE conversations_handle h SET ended_at = n.at "
                    "FROM unnest(%s::uuid[], %s::text[], %s::bytea[], %s::timestamptz[]) AS n(contact, kind, hash, at) "
                    "WHERE h.provider = %s AND h.contact_id = n.contact AND h.kind = n.kind AND h.value_hash = n.hash",
                    [
                        [contact for contact, _, _ in part], [key[0] for _, key, _ in part],
                        [key[1] for _, key, _ in part], [at for _, _, at in part], provider,
                    ],
                )  # fmt: skip
    insert_new(list(changes.added.values()))
    for goes, stays in changes.merged.items():  # rare, and each has to see what the one before has left
        merging.merge(goes, stays)


def find(workspace_id: UUID, provider: str, people: Sequence[tuple[Person, datetime]]) -> list[UUID | None]:
    """The contact of each person, or None for somebody whom we do not know. Writes nothing."""
    keyed = [_keys(workspace_id, provider, person.handles) for person, _ in people]
    book = _Book.read(provider, keyed)
    return [book.find(keys, at) for keys, (_, at) in zip(keyed, people, strict=True)]


def change(
    workspace_id: UUID, provider: str, changed: Sequence[tuple[Mapping[str, str], Person, datetime]]
) -> list[UUID | None]:
    """The platform tells that who was known by the former handles is known by the person's from now on: former ones
    become history, and a contact that the new ones had made already is merged. Gives whom each concerns, None for
    somebody whom we do not know. The caller holds the workspace's ingest lock."""
    keyed = [
        (_keys(workspace_id, provider, former), _keys(workspace_id, provider, person.handles))
        for former, person, _ in changed
    ]
    book, changes = _Book.read(provider, [keys for pair in keyed for keys in pair]), _Changes()
    concerned: list[UUID | None] = []
    for (_, person, at), (before, now) in zip(changed, keyed, strict=True):
        contact_id = book.find(before, at) or book.find(now, at)
        contact_id = contact_id and merging.final(contact_id, changes.merged)
        concerned.append(contact_id)
        if contact_id is None:
            continue
        for kind, hashed in before.items():
            key = (kind, hashed)
            if now.get(kind) != hashed and book.holder.get(key) == contact_id:
                _end(book, changes, contact_id, key, at)
        for kind, hashed in sorted(now.items(), key=lambda each: each[0] == Handle.NUMBER):
            key = (kind, hashed)
            ended_at = book.ended(contact_id, key)
            if ended_at is not None and at <= ended_at:  # told again, after it has changed once more
                continue
            other = book.holder.get(key)
            if other is not None and other != contact_id and kind != Handle.NUMBER:
                _merge(book, changes, other, contact_id)
            elif other is not None and other != contact_id:  # a number alone proves nothing: its history stays
                _end(book, changes, other, key, at)
            if key not in book.of.get(contact_id, ()):
                _give(book, changes, workspace_id, provider, contact_id, key, person.handles[kind], at)
    keyring.contact_keys(workspace_id, {contact_id for contact_id in concerned if contact_id})
    _write(workspace_id, provider, changes)
    return [each and merging.final(each, changes.merged) for each in concerned]


def _rename(names: dict[UUID, tuple[datetime, str]]) -> None:
    """Keep the newest profile name of known contacts."""
    if not names:
        return
    contacts = list(Contact.objects.filter(pk__any=names).defer("created_at"))
    preload(contacts)
    changed = [contact for contact in contacts if contact.name != names[contact.pk][1]]
    for contact in changed:
        contact.name = names[contact.pk][1]
    update_rows(changed, ["name"])
