"""UUIDv7 primary keys: time-ordered, so that indexes grow at their end and tables can be partitioned by time.

Layout (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 12 bits of a finer clock, 62 random bits. The finer clock
(1/4096 ms) keeps ids of one process in the order in which they were made.
"""

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _build(nanoseconds: int, noise: bytes) -> uuid.UUID:
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(noise) >> 2
    return uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | random)


def uuid7() -> uuid.UUID:
    """A new UUIDv7 of now."""
    return _build(time.time_ns(), os.urandom(8))


def uuid7_at(moment: datetime) -> uuid.UUID:
    """A new UUIDv7 whose time is `moment` (aware)."""
    return _build((moment - _EPOCH) // timedelta(microseconds=1) * 1000, os.urandom(8))


def uuid7_of(moment: datetime, name: str) -> uuid.UUID:
    """The UUIDv7 of `name` at `moment`: the same for the same two, so that a primary key says "only once"."""
    noise = hashlib.sha256(name.encode()).digest()[:8]
    return _build((moment - _EPOCH) // timedelta(microseconds=1) * 1000, noise)


def time_of(value: uuid.UUID) -> datetime:
    """The moment (UTC, whole milliseconds) in which a UUIDv7 was made."""
    return _EPOCH + timedelta(milliseconds=value.int >> 80)
