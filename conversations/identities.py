"""Who is who: finds or makes the contacts of a batch of events, set-wise.

A business-scoped id identifies; a number identifies unless its contact is known under another business-scoped id,
because numbers change hands (providers/whatsapp.md 5): then the writer is a new contact and the number moves to it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from channels_app.contract import Person
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


class _Book:
    """What is known of the handles at hand: which contact holds which."""

    def __init__(self, handles: Iterable[tuple[UUID, str, bytes]]) -> None:
        self.holder: dict[HandleKey, UUID] = {}
        self.ids: dict[UUID, set[bytes]] = {}  # contact -> its business-scoped ids
        self.of: dict[UUID, set[HandleKey]] = {}
        for contact_id, kind, value_hash in handles:
            self.note(contact_id, (kind, bytes(value_hash)))

    def note(self, contact_id: UUID, key: HandleKey) -> None:
        if key[0] in Handle.KEYS:
            self.holder[key] = contact_id
        if key[0] == "bsuid":
            self.ids.setdefault(contact_id, set()).add(key[1])
        self.of.setdefault(contact_id, set()).add(key)


def resolve(workspace_id: UUID, provider: str, people: Sequence[tuple[Person, datetime]]) -> list[UUID]:
    """The contact of each person, in order; new ones are made. The caller holds the workspace's ingest lock.

    `people` come with the time of their event: the newest profile name wins.
    """
    keyed = [
        {kind: handle_hash(workspace_id, provider, kind, value) for kind, value in person.handles.items()}
        for person, _ in people
    ]
    wanted = {hashed for keys in keyed for kind, hashed in keys.items() if kind in Handle.KEYS}
    found = Handle.objects.filter(provider=provider, kind__in=Handle.KEYS, value_hash__any=wanted)
    # Two look-ups by index instead of one with a subquery: measured, fresh tables made PostgreSQL join by nested loops.
    holders = set(found.values_list("contact_id", flat=True))
    known = Handle.objects.filter(provider=provider, contact_id__any=holders)
    book = _Book(known.values_list("contact_id", "kind", "value_hash"))
    resolved: list[UUID] = []
    fresh: dict[UUID, Contact] = {}
    added: list[tuple[UUID, str, str, bytes]] = []
    moved: list[bytes] = []
    names: dict[UUID, tuple[datetime, str]] = {}
    for (person, at), keys in zip(people, keyed, strict=True):
        contact_id = _holder(book, keys)
        if contact_id is None:
            contact_id = uuid7()
            fresh[contact_id] = Contact(id=contact_id, workspace_id=workspace_id)
        for kind, hashed in keys.items():
            key = (kind, hashed)
            if key in book.of.get(contact_id, set()):
                continue
            other = book.holder.get(key)
            if other is not None and other != contact_id:
                if kind == "bsuid":
                    continue
                moved.append(hashed)
                book.of[other].discard(key)
            book.note(contact_id, key)
            added.append((contact_id, kind, person.handles[kind], hashed))
        if person.name and (contact_id not in names or names[contact_id][0] <= at):
            names[contact_id] = (at, person.name)
        resolved.append(contact_id)
    keyring.contact_keys(workspace_id, set(resolved))
    for contact_id, contact in fresh.items():
        contact.name = names.pop(contact_id)[1] if contact_id in names else None
    insert_new(list(fresh.values()))
    _rename(names)
    if moved:
        Handle.objects.filter(Q(provider=provider, kind="wa_id", value_hash__any=moved)).delete()
    insert_new(
        [
            Handle(
                workspace_id=workspace_id,
                contact_id=cid,
                provider=provider,
                kind=kind,
                value=value,
                value_hash=hashed,
            )
            for cid, kind, value, hashed in added
        ]
    )
    return resolved


def _holder(book: _Book, keys: dict[str, bytes]) -> UUID | None:
    bsuid, number = keys.get("bsuid"), keys.get("wa_id")
    if bsuid is not None and (found := book.holder.get(("bsuid", bsuid))):
        return found
    if number is not None and (found := book.holder.get(("wa_id", number))):
        stranger = bsuid is not None and bool(book.ids.get(found))
        return None if stranger else found
    return None


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
