"""The audit log as a file: JSON from which the chain can be verified again, or CSV for a spreadsheet. Streamed: a chunk
is one short transaction, so that a log of millions of entries holds neither memory nor a snapshot.

What comes in while the file is on its way is not in it: the end is taken when it is asked for.
"""

import csv
import json
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import transaction

from accounts.audit.chain import GENESIS, stamp
from accounts.audit.log import Filters, Line, lines
from accounts.audit.recording import Actor, record
from accounts.models import AuditChain, Workspace
from omnistra.core.tenancy import workspace_scope

CHUNK = 1000
COLUMNS = (
    "number", "at", "action", "text", "actor_kind", "actor_id", "actor", "target_id", "fields", "id", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet run a cell (OWASP, CSV injection)


def export(workspace: Workspace, filters: Filters, kind: str, by: Actor) -> Iterator[str]:
    """Record the export and give its parts, the oldest entry first. `kind` is a key of FORMATS. In the workspace's scope
    and a transaction; the parts may be asked for after both are over."""
    chain = AuditChain.objects.first()
    record("audit.exported", by, None, [kind, *filters.used()])
    return FORMATS[kind][1](workspace, filters, chain)


def _chunks(workspace: Workspace, filters: Filters, end: int) -> Iterator[list[Line]]:
    number = 0
    while True:
        with workspace_scope(workspace.pk), transaction.atomic():
            rows = filters.apply().filter(number__gt=number, number__lte=end).order_by("number")[:CHUNK]
            found = lines(list(rows), workspace.slug)
        if not found:
            return
        yield found
        number = found[-1].entry.number or end


def _row(line: Line) -> dict[str, object]:
    entry = line.entry

    def text(identity: UUID | None) -> str | None:
        return str(identity) if identity else None

    return {
        "number": entry.number,
        "at": stamp(entry.at),
        "action": entry.action,
        "text": line.text,
        "actor_kind": entry.actor_kind,
        "actor_id": text(entry.actor_id),
        "actor": line.actor,
        "target_id": text(entry.target_id),
        "fields": list(entry.fields),
        "id": str(entry.pk),
        "hash": bytes(entry.hash or b"").hex(),
    }


def _as_json(workspace: Workspace, filters: Filters, chain: AuditChain | None) -> Iterator[str]:
    """What `audit.chain.link` hashes stands in each entry; `start` is what the oldest one that is kept hangs on."""
    number, digest = (chain.number, bytes(chain.hash)) if chain else (0, GENESIS)
    removed, removed_digest = (chain.removed_number, bytes(chain.removed_hash)) if chain else (0, GENESIS)
    head = {
        "workspace": str(workspace.pk),
        "filters": filters.used(),
        "start": {"number": removed, "hash": removed_digest.hex()},
        "end": {"number": number, "hash": digest.hex()},
    }
    yield json.dumps(head)[:-1] + ', "entries": ['
    between = "\n"
    for chunk in _chunks(workspace, filters, number):
        yield between + ",\n".join(json.dumps(_row(line), ensure_ascii=False) for line in chunk)
        between = ",\n"
    yield "\n]}\n"


class _Echo:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: a name that begins like one gets an apostrophe before it."""
    text = " ".join(str(each) for each in value) if isinstance(value, list) else str("" if value is None else value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _as_csv(workspace: Workspace, filters: Filters, chain: AuditChain | None) -> Iterator[str]:
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)  # type: ignore[misc]  # the stubs know no writer that gives something back
    for chunk in _chunks(workspace, filters, chain.number if chain else 0):
        yield "".join(str(writer.writerow([safe_cell(_row(line)[name]) for name in COLUMNS])) for line in chunk)


Parts = Callable[[Workspace, Filters, AuditChain | None], Iterator[str]]
FORMATS: dict[str, tuple[str, Parts]] = {
    "csv": ("text/csv; charset=utf-8", _as_csv),
    "json": ("application/json", _as_json),
}
