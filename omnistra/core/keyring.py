"""The sealing keys: master key -> workspace key -> a random key per contact; under the master key also an ingress key per
day for the journal, and a key per person.

1. Keys rest in their own database, each sealed by the one above it; the master key is in a file outside both.
2. A destroyed key is deleted: what it sealed is unreadable in every copy and backup.
3. Opened keys stay in this process's memory for a minute at most.
"""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connections

from omnistra.core.ids import uuid7

VERSION = b"\x01"
HEADER = 1 + 16 + 12  # version, key id, nonce (bytes)
CACHE_SECONDS = 60
CACHE_KEYS = 20_000


class KeyMissing(LookupError):
    """The key that sealed this value does not exist (any more): the value cannot be opened."""


class SealBroken(ValueError):
    """The sealed value was altered, or moved to another row, column or workspace."""


@dataclass(frozen=True, slots=True)
class Key:
    """One 256-bit AES key with its id."""

    id: UUID
    secret: bytes = field(repr=False)
    cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cipher", AESGCM(self.secret))

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """`version | key id | nonce | ciphertext`, bound to `place` (associated data)."""
        nonce = os.urandom(12)
        return VERSION + self.id.bytes + nonce + self.cipher.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The plain bytes. Raises SealBroken."""
        try:
            return self.cipher.decrypt(sealed[17:HEADER], sealed[HEADER:], place)
        except InvalidTag:
            raise SealBroken("A sealed value did not open: it was altered or moved.") from None


def key_id(sealed: bytes) -> UUID:
    """The id of the key that sealed a value. Raises SealBroken for what is no sealed value."""
    if len(sealed) < HEADER + 16 or sealed[:1] != VERSION:
        raise SealBroken("This is no sealed value.")
    return UUID(bytes=bytes(sealed[1:17]))


class _Cache:
    """Opened keys by name (a key's id, or what it is for), forgotten after CACHE_SECONDS."""

    def __init__(self) -> None:
        self._entries: dict[Any, tuple[float, Key]] = {}
        self._lock = threading.Lock()

    def get(self, name: Any) -> Key | None:
        entry = self._entries.get(name)
        return entry[1] if entry and entry[0] > time.monotonic() else None

    def put(self, name: Any, key: Key) -> None:
        until = time.monotonic() + CACHE_SECONDS
        with self._lock:
            if len(self._entries) > CACHE_KEYS:
                self._entries.clear()
            self._entries[name] = self._entries[key.id] = (until, key)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


_cache = _Cache()
forget_opened_keys = _cache.clear


def _fingerprint(secret: bytes) -> UUID:
    return UUID(bytes=hashlib.blake2b(secret, digest_size=16, person=b"omnistra-master").digest())


_masters: dict[str, list[Key]] = {}


def master_keys() -> list[Key]:
    """The master keys of MASTER_KEY_FILE, the current one first; further lines are older ones that still open."""
    path = settings.MASTER_KEY_FILE
    if path not in _masters:
        if not path:
            raise KeyMissing("MASTER_KEY_FILE is not set: without a master key nothing can be sealed.")
        secrets = [base64.b64decode(line) for line in Path(path).read_text().split()]
        if not secrets or any(len(secret) != 32 for secret in secrets):
            raise KeyMissing("MASTER_KEY_FILE must hold 32 random bytes as base64, one key a line.")
        _masters[path] = [Key(_fingerprint(secret), secret) for secret in secrets]
    return _masters[path]


def _place(purpose: str, identity: UUID, workspace_id: UUID | None, owner_id: UUID | None) -> bytes:
    return f"{purpose}|{identity}|{workspace_id}|{owner_id}".encode()


def _query(sql: str, params: Iterable[Any]) -> list[tuple[Any, ...]]:
    with connections["keys"].cursor() as cursor:
        cursor.execute(sql, list(params))
        return cursor.fetchall() if cursor.description else []


_COLUMNS = "id, purpose, workspace_id, coalesce(contact_id, person_id), wrapped, day"


def _unwrap(rows: list[tuple[Any, ...]]) -> list[tuple[Key, tuple[Any, ...]]]:
    """Open stored keys; the keys that wrap them are loaded in one query."""
    masters = {key.id: key for key in master_keys()}
    above = {key_id(bytes(row[4])) for row in rows} - set(masters)
    wrapping = {**masters, **(load(above) if above else {})}
    opened = []
    for row in rows:
        wrapped = bytes(row[4])
        key = Key(row[0], wrapping[key_id(wrapped)].open(wrapped, _place(row[1], row[0], row[2], row[3])))
        opened.append((key, row))
        _cache.put(key.id, key)
    return opened


def load(ids: Iterable[UUID]) -> dict[UUID, Key]:
    """Keys by id, one query for those not in memory. Raises KeyMissing when one is gone."""
    found = {identity: key for identity in set(ids) if (key := _cache.get(identity))}
    missing = [identity for identity in set(ids) if identity not in found]
    if missing:
        rows = _query(f"SELECT {_COLUMNS} FROM sealing_key WHERE id = ANY(%s)", [missing])  # noqa: S608
        found.update({key.id: key for key, _ in _unwrap(rows)})
        if len(found) < len(set(ids)):
            raise KeyMissing("The key of a sealed value was destroyed.")
    return found


def available(ids: Iterable[UUID]) -> dict[UUID, Key]:
    """As load, without those that are gone."""
    found = {identity: key for identity in set(ids) if (key := _cache.get(identity))}
    missing = [identity for identity in set(ids) if identity not in found]
    if missing:
        rows = _query(f"SELECT {_COLUMNS} FROM sealing_key WHERE id = ANY(%s)", [missing])  # noqa: S608
        found.update({key.id: key for key, _ in _unwrap(rows)})
    return found


def _insert(
    purpose: str, above: Key, owners: list[tuple[UUID | None, UUID | None, date | None]], version: int = 1
) -> None:
    """Store a new random key for each owner (workspace, contact, day) that has none yet; races are harmless."""
    rows: list[tuple[Any, ...]] = []
    for workspace_id, contact_id, day in owners:
        identity = uuid7()
        wrapped = above.seal(os.urandom(32), _place(purpose, identity, workspace_id, contact_id))
        rows.append((identity, purpose, workspace_id, contact_id, day, version, wrapped))
    columns = list(zip(*rows, strict=True))
    _query(
        "INSERT INTO sealing_key (id, purpose, workspace_id, contact_id, day, version, wrapped) SELECT * FROM "
        "unnest(%s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::date[], %s::int[], %s::bytea[]) "
        "ON CONFLICT DO NOTHING",
        [list(column) for column in columns],
    )


def create_workspace_keys(workspace_id: UUID) -> None:
    """The first keys of a new workspace: one that seals, one for blind indexes. Idempotent."""
    _insert("workspace", master_keys()[0], [(workspace_id, None, None)])
    _insert("index", workspace_key(workspace_id), [(workspace_id, None, None)])


def _workspace_level(workspace_id: UUID, purpose: str) -> Key:
    name = (purpose, workspace_id)
    key = _cache.get(name)
    if key is None:
        rows = _query(
            f"SELECT {_COLUMNS} FROM sealing_key WHERE workspace_id = %s AND purpose = %s "  # noqa: S608
            "ORDER BY version DESC LIMIT 1",
            [workspace_id, purpose],
        )
        if not rows:
            raise KeyMissing("This workspace has no keys: it was closed, or never opened.")
        key = _unwrap(rows)[0][0]
        _cache.put(name, key)
    return key


def workspace_key(workspace_id: UUID) -> Key:
    """The workspace's current key. Raises KeyMissing."""
    return _workspace_level(workspace_id, "workspace")


def index_key(workspace_id: UUID) -> Key:
    """The workspace's key for blind indexes; it never changes, so that look-ups go on after a rotation."""
    return _workspace_level(workspace_id, "index")


def contact_keys(workspace_id: UUID, contact_ids: Iterable[UUID]) -> dict[UUID, Key]:
    """The keys of contacts, made where missing; two queries at most, however many contacts."""
    wanted = set(contact_ids)
    found = {cid: key for cid in wanted if (key := _cache.get(("contact", cid)))}
    missing = [cid for cid in wanted if cid not in found]
    if missing:
        select = f"SELECT {_COLUMNS} FROM sealing_key WHERE workspace_id = %s AND contact_id = ANY(%s)"  # noqa: S608
        rows = _query(select, [workspace_id, missing])
        new = set(missing) - {row[3] for row in rows}
        if new:
            _insert("contact", workspace_key(workspace_id), [(workspace_id, cid, None) for cid in sorted(new)])
            rows = _query(select, [workspace_id, missing])
        for key, row in _unwrap(rows):
            _cache.put(("contact", row[3]), key)
            found[row[3]] = key
    return found


def contact_key(workspace_id: UUID, contact_id: UUID) -> Key:
    """The key of one contact, made where missing."""
    return _cache.get(("contact", contact_id)) or contact_keys(workspace_id, [contact_id])[contact_id]


def ingress_key(day: date) -> Key:
    """The key that seals the raw events of a day."""
    key = _cache.get(("ingress", day))
    if key is None:
        select = f"SELECT {_COLUMNS} FROM sealing_key WHERE purpose = 'ingress' AND day = %s"  # noqa: S608
        rows = _query(select, [day])
        if not rows:
            _insert("ingress", master_keys()[0], [(None, None, day)])
            rows = _query(select, [day])
        key = _unwrap(rows)[0][0]
        _cache.put(("ingress", day), key)
    return key


def person_key(person_id: UUID) -> Key:
    """The key that seals what belongs to one person alone (the secrets of second factors), made where missing."""
    name = ("person", person_id)
    key = _cache.get(name)
    if key is None:
        select = f"SELECT {_COLUMNS} FROM sealing_key WHERE purpose = 'person' AND person_id = %s"  # noqa: S608
        rows = _query(select, [person_id])
        if not rows:
            identity = uuid7()
            wrapped = master_keys()[0].seal(os.urandom(32), _place("person", identity, None, person_id))
            _query(
                "INSERT INTO sealing_key (id, purpose, person_id, wrapped) VALUES (%s, 'person', %s, %s) "
                "ON CONFLICT DO NOTHING",
                [identity, person_id, wrapped],
            )
            rows = _query(select, [person_id])
        key = _unwrap(rows)[0][0]
        _cache.put(name, key)
    return key


def destroy_contact_keys(workspace_id: UUID, contact_ids: Iterable[UUID]) -> int:
    """Destroy the keys of contacts: everything they sealed is unreadable from now on. Gives how many there were."""
    rows = _query(
        "DELETE FROM sealing_key WHERE workspace_id = %s AND purpose = 'contact' AND contact_id = ANY(%s) RETURNING id",
        [workspace_id, list(contact_ids)],
    )
    _cache.clear()
    return len(rows)


def destroy_workspace_keys(workspace_id: UUID) -> int:
    """Destroy every key of a workspace. Gives how many there were."""
    rows = _query("DELETE FROM sealing_key WHERE workspace_id = %s RETURNING id", [workspace_id])
    _cache.clear()
    return len(rows)


def destroy_person_key(person_id: UUID) -> int:
    """Destroy a person's key: their second factors are unreadable from now on. Gives how many there were."""
    rows = _query("DELETE FROM sealing_key WHERE purpose = 'person' AND person_id = %s RETURNING id", [person_id])
    _cache.clear()
    return len(rows)


def destroy_ingress_keys_before(day: date) -> int:
    """Destroy the journal's keys of the days before `day`. Gives how many there were."""
    rows = _query("DELETE FROM sealing_key WHERE purpose = 'ingress' AND day < %s RETURNING id", [day])
    _cache.clear()
    return len(rows)


def rotate_workspace_key(workspace_id: UUID) -> Key:
    """A new version of the workspace key. The keys below are wrapped anew, set-wise, in one transaction; values that
    the older version sealed itself still open, because that version stays."""
    from django.db import transaction

    with transaction.atomic(using="keys"):
        newest = _query(
            "SELECT version FROM sealing_key WHERE workspace_id = %s AND purpose = 'workspace' ORDER BY version DESC "
            "LIMIT 1 FOR UPDATE",
            [workspace_id],
        )
        if not newest:
            raise KeyMissing("This workspace has no keys: it was closed, or never opened.")
        _insert("workspace", master_keys()[0], [(workspace_id, None, None)], version=newest[0][0] + 1)
        _cache.clear()
        above = workspace_key(workspace_id)
        below = _query(
            f"SELECT {_COLUMNS} FROM sealing_key WHERE workspace_id = %s AND purpose IN ('contact', 'index') FOR UPDATE",  # noqa: S608
            [workspace_id],
        )
        wrapped = [
            (key.id, above.seal(key.secret, _place(row[1], key.id, row[2], row[3]))) for key, row in _unwrap(below)
        ]
        _query(
            "UPDATE sealing_key k SET wrapped = n.wrapped FROM unnest(%s::uuid[], %s::bytea[]) AS n(id, wrapped) "
            "WHERE k.id = n.id",
            [[identity for identity, _ in wrapped], [value for _, value in wrapped]],
        )
    return above
