"""Sealed model fields, blind indexes and sealed files.

1. What is sealed leaves the process only as `version | key id | nonce | ciphertext` (AES-256-GCM).
2. The associated data names workspace (or person), table, column and row: a value moved elsewhere does not open.
3. A plain value can never be bound to a query: the field refuses it.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator
from typing import IO, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.db import models

from omnistra.core import keyring, reading
from omnistra.core.keyring import Key, SealBroken

__all__ = [
    "SealedBinaryField",
    "SealedFile",
    "SealedJSONField",
    "SealedTextField",
    "blind",
    "preload",
    "seal_file",
]


_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class Sealed(bytes):
    """A sealed value as the database holds it."""

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__


class _Plain:
    """A value given by code, not sealed yet."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _person_id(instance: Any) -> UUID | None:
    owner = getattr(type(instance), "sealed_by_person", None)
    return getattr(instance, owner) if owner else None


def _place(instance: models.Model, field: "SealedField") -> bytes:
    home = getattr(instance, "workspace_id", None) or _person_id(instance)
    return f"{home}|{instance._meta.db_table}|{field.column}|{instance.pk}".encode()


def _writing_key(instance: Any) -> Key:
    """The contact's or the person's key where the model says whose it is (`sealed_by`, `sealed_by_person`: the attribute
    with the id), else the workspace's."""
    if (person_id := _person_id(instance)) is not None:
        return keyring.person_key(person_id)
    owner = getattr(type(instance), "sealed_by", None)
    contact_id = getattr(instance, owner) if owner else None
    if contact_id is None:
        return keyring.workspace_key(instance.workspace_id)
    return keyring.contact_key(instance.workspace_id, contact_id)


class SealedAttribute:
    """Opens on reading, remembers what was opened, and leaves the stored bytes alone until a new value is set."""

    def __init__(self, field: "SealedField") -> None:
        self.field = field
        self.name = field.attname
        self.opened = f"_opened_{field.attname}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        state = instance.__dict__
        if self.name not in state:  # deferred
            instance.refresh_from_db(fields=[self.name])
        value = state[self.name]
        if isinstance(value, _Plain):
            return value.value
        if value is None:
            return None
        if self.opened not in state:
            reading.check_row(instance)
            key = keyring.load([keyring.key_id(value)])
            plain = key[keyring.key_id(value)].open(value, _place(instance, self.field))
            state[self.opened] = self.field.decode(plain)
        return state[self.opened]

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__.pop(self.opened, None)
        instance.__dict__[self.name] = value if value is None or isinstance(value, Sealed) else _Plain(value)


class SealedField(models.BinaryField):
    """Base of the sealed fields. `sealed_by` on the model names the attribute with the contact's id, if any."""

    descriptor_class = SealedAttribute  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def encode(self, value: Any) -> bytes:
        raise NotImplementedError

    def decode(self, plain: bytes) -> Any:
        raise NotImplementedError

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if isinstance(value, _Plain):
            sealed = Sealed(_writing_key(model_instance).seal(self.encode(value.value), _place(model_instance, self)))
            model_instance.__dict__[self.attname] = sealed
            model_instance.__dict__[f"_opened_{self.attname}"] = value.value
            return sealed
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError(f"{self.name} is sealed: a plain value cannot reach the database.")
        return None if value is None else super().get_db_prep_value(bytes(value), connection, prepared)

    def value_to_string(self, obj: models.Model) -> str:
        return "<sealed>"


class SealedTextField(SealedField):
    """A sealed str."""

    def encode(self, value: str) -> bytes:
        return value.encode("utf-8", "replace")

    def decode(self, plain: bytes) -> str:
        return plain.decode()


class SealedJSONField(SealedField):
    """A sealed JSON value (dict, list, str, number, bool)."""

    def encode(self, value: Any) -> bytes:
        return _JSON.encode(value).encode()

    def decode(self, plain: bytes) -> Any:
        return json.loads(plain)


class SealedBinaryField(SealedField):
    """Sealed bytes."""

    def encode(self, value: bytes) -> bytes:
        return value

    def decode(self, plain: bytes) -> bytes:
        return plain


def preload(instances: Iterable[models.Model | None]) -> None:
    """Load the keys of all sealed values of these rows into memory with one query, instead of one a row.

    A key that was destroyed is left out: reading that value then raises KeyMissing.
    """
    ids = set()
    for instance in instances:
        if instance is None:
            continue
        for field in instance._meta.concrete_fields:
            if isinstance(field, SealedField):
                value = instance.__dict__.get(field.attname)
                if isinstance(value, Sealed):
                    ids.add(keyring.key_id(value))
    if ids:
        keyring.available(ids)


def blind(workspace_id: UUID, purpose: str, value: str) -> bytes:
    """The 16-byte keyed hash under which `value` is looked up: equal values of one workspace and purpose agree."""
    key = keyring.index_key(workspace_id).secret
    return hashlib.blake2b(f"{purpose}\0{value}".encode("utf-8", "replace"), key=key, digest_size=16).digest()


def installation_hash(purpose: str, value: bytes) -> bytes:
    """A 16-byte keyed hash under the master key, for what belongs to no workspace (the journal, API keys)."""
    key = hmac.digest(master_index_key(), purpose.encode(), "sha256")
    return hashlib.blake2b(value, key=key, digest_size=16).digest()


def master_index_key() -> bytes:
    """The key of installation-wide hashes: of the oldest master key, so that it outlives a rotation."""
    return hmac.digest(keyring.master_keys()[-1].secret, b"omnistra-index", "sha256")


# Files: a header (version, key id, 8-byte prefix), then frames of 64 KiB, each sealed with nonce = prefix + number and
# associated data = place + number + "is it the last"; so a range can be read, and a cut file does not open.
FRAME = 64 * 1024
_FILE_HEADER = 1 + 16 + 8
_TAG = 16


def _frame_place(place: bytes, number: int, last: bool) -> bytes:
    return place + b"|%d|%d" % (number, last)


def seal_file(key: Key, place: bytes, source: IO[bytes], target: IO[bytes]) -> int:
    """Write `source` sealed to `target`; both are read and written a frame at a time. Gives the plain size in bytes."""
    prefix = os.urandom(8)
    target.write(keyring.VERSION + key.id.bytes + prefix)
    number = size = 0
    chunk = source.read(FRAME)
    while True:
        following = source.read(FRAME) if len(chunk) == FRAME else b""
        last = not following
        nonce = prefix + number.to_bytes(4)
        target.write(key.cipher.encrypt(nonce, chunk, _frame_place(place, number, last)))
        size += len(chunk)
        if last:
            return size
        chunk, number = following, number + 1


class SealedFile:
    """A sealed file opened for reading; `size` is the plain size in bytes."""

    def __init__(self, stored: IO[bytes], stored_size: int, place: bytes) -> None:
        reading.check_file()
        header = stored.read(_FILE_HEADER)
        if len(header) < _FILE_HEADER or header[:1] != keyring.VERSION:
            raise SealBroken("This is no sealed file.")
        identity = UUID(bytes=header[1:17])
        self._key = keyring.load([identity])[identity]
        self._prefix, self._stored, self._place = header[17:], stored, place
        body = stored_size - _FILE_HEADER
        self._frames = max(1, -(-body // (FRAME + _TAG)))
        self.size = body - self._frames * _TAG

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The plain bytes from `start` to `end` (exclusive). Raises SealBroken for an altered or cut file."""
        end = self.size if end is None else min(end, self.size)
        number = start // FRAME
        self._stored.seek(_FILE_HEADER + number * (FRAME + _TAG))
        position = number * FRAME
        while position < end or (number == 0 and self.size == 0):
            frame = self._stored.read(FRAME + _TAG)
            last = number == self._frames - 1
            try:
                nonce = self._prefix + number.to_bytes(4)
                plain = self._key.cipher.decrypt(nonce, frame, _frame_place(self._place, number, last))
            except InvalidTag:
                raise SealBroken("A sealed file did not open: it was altered or cut.") from None
            yield plain[max(0, start - position) : end - position]
            position, number = position + FRAME, number + 1
            if last:
                return
