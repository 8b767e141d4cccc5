"""Proof that the audit log is as it was written (policy clause 12a; docs/adr/0009).

1. Every entry's hash is SHA-256 over the hash before it and the entry; the database makes it, this module makes it again
   from the rows and believes nothing else.
2. Each day's head (number and hash) is kept, offered for download and mailed to whom asked for it: a chain that was
   recomputed as a whole no longer meets the heads that were given away.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import AuditChain, AuditEntry, AuditHead
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import workspace_scope

log = get_logger(__name__)
GENESIS = AuditChain.GENESIS
_CHUNK = 2000  # rows held in memory at once


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not as it was written. `entry_id` is None where the row itself is missing."""

    number: int
    entry_id: UUID | None
    reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verification found: entries `first` to `number` are whole, `hash` is that of the last of them."""

    first: int
    number: int
    hash: bytes
    broken: Broken | None = None


def stamp(at: datetime) -> str:
    """A time as it is hashed and exported: UTC, microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(previous: bytes, entry: AuditEntry) -> bytes:
    """The hash of an entry: SHA-256 over the previous hash and the entry as a JSON array (", " between its parts)."""
    parts = [
        str(entry.workspace_id), entry.number, str(entry.pk), stamp(entry.at), entry.action, entry.actor_kind,
        entry.actor_id and str(entry.actor_id), entry.target_id and str(entry.target_id), entry.fields,
    ]  # fmt: skip
    return hashlib.sha256(previous + json.dumps(parts, ensure_ascii=False).encode()).digest()


def verify(workspace_id: UUID, heads: Mapping[int, bytes] | None = None) -> Proof:
    """Walk a workspace's chain from its oldest entry to its end, and compare it with the stored heads and with `heads`
    (number -> hash) that someone kept outside. Outside any scope; one query for each of the parts, rows streamed."""
    with workspace_scope(workspace_id), transaction.atomic():
        while True:
            kept = {number: bytes(hash) for number, hash in AuditHead.objects.values_list("number", "hash")}
            chain = AuditChain.objects.first()  # after the heads, so that none of them lies beyond it
            proof = _walk(chain, kept | dict(heads or {}))
            if proof.broken is None or not _shortened_since(chain):
                return proof


def _shortened_since(chain: AuditChain | None) -> bool:
    """Whether retention removed entries while they were being read."""
    return chain is not None and AuditChain.objects.exclude(removed_number=chain.removed_number).exists()


def _walk(chain: AuditChain | None, heads: Mapping[int, bytes]) -> Proof:
    removed, previous = (chain.removed_number, bytes(chain.removed_hash)) if chain else (0, GENESIS)
    first = number = removed
    end = chain.number if chain else 0

    def broken(at: int, entry_id: UUID | None, reason: str) -> Proof:
        return Proof(min(first + 1, number), number, previous, Broken(at, entry_id, reason))

    if heads.get(removed, previous) != previous:
        return broken(removed, None, "is not the entry whose hash was kept: the chain was made anew")
    rows = AuditEntry.objects.exclude(number__gt=end)  # what was chained meanwhile waits for the next time
    for entry in rows.order_by("number").iterator(chunk_size=_CHUNK):  # what has no number comes last
        if entry.number is None:
            return broken(number + 1, entry.pk, "was added around the chain")
        if entry.number <= number:
            return broken(entry.number, entry.pk, "was added to what retention had removed")
        if entry.number > number + 1:
            return broken(number + 1, None, "is missing")
        if bytes(entry.hash) != (expected := link(previous, entry)):
            return broken(entry.number, entry.pk, "was changed, or something before it was")
        if heads.get(entry.number, expected) != expected:
            return broken(entry.number, entry.pk, "is not the entry whose hash was kept: the chain was made anew")
        number, previous = entry.number, expected
    if (beyond := max([end, *heads])) > number:
        return broken(number + 1, None, f"is missing: the chain reached #{beyond}")
    if chain and bytes(chain.hash) != previous:
        return broken(number, None, "is not what the end of the chain says")
    if stray := _behind_the_end():
        return broken(stray.number, stray.pk, "was added behind the end of the chain")
    return Proof(min(first + 1, number), number, previous)


def _behind_the_end() -> AuditEntry | None:
    """An entry that the chain does not know, in one statement: what commits meanwhile moves both or neither."""
    end = Coalesce(Subquery(AuditChain.objects.values("number")[:1]), 0)
    return AuditEntry.objects.filter(number__gt=end).order_by("number").first()  # type: ignore[no-any-return]


def take_head(workspace_id: UUID, day: date | None = None) -> AuditHead:
    """Verify a workspace's chain and keep its head; `day` for the daily one. Outside any scope and transaction."""
    proof = verify(workspace_id)
    with workspace_scope(workspace_id), transaction.atomic():
        head: AuditHead = AuditHead.objects.create(
            number=proof.number,
            hash=proof.hash,
            broken_number=proof.broken.number if proof.broken else None,
            day=day,
        )
    if proof.broken:
        log.error("audit.chain_broken", workspace=workspace_id, number=proof.broken.number)
    return head


def parse_heads(texts: Iterable[str]) -> dict[int, bytes]:
    """Heads as people kept them ("123:ab12…"). Raises ValueError, which names the one that is none."""
    heads: dict[int, bytes] = {}
    for text in texts:
        number, _, digest = text.strip().partition(":")
        try:
            heads[int(number)] = bytes.fromhex(digest)
        except ValueError:
            raise ValueError(f"'{text}' is no head. A head reads 123:ab12… with 64 hexadecimal digits.") from None
        if len(heads[int(number)]) != 32:
            raise ValueError(f"'{text}' is no head. A head reads 123:ab12… with 64 hexadecimal digits.")
    return heads
