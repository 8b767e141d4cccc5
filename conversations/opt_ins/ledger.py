"""The ledger: entries are added and never changed. What holds follows from them:

1. Of the entries about one topic the newest holds, by the time at which the person decided; at the same time a no wins.
2. A no to everything outweighs every yes that is not newer.
3. A no outlives the person's data: what is erased leaves a keyed hash (OptOut).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audit import SYSTEM, Actor
from conversations.models import Handle, OptIn, OptOut
from omnistra.core.bulk import insert_new
from omnistra.core.sealing import preload

ALL = "all"
MARKETING = "marketing"
UTILITY = "utility"
# What a person can agree to. Whoever agreed to anything may be told of their own orders; marketing needs its own yes.
TOPICS: Mapping[str, str | Promise] = {
    UTILITY: _("Orders, appointments, service"),
    MARKETING: _("News and offers"),
}
# The providers' own words for what a person subscribed to are topics too.
EVERYTHING: str | Promise = _("Everything")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written down. `at` is when the person decided; `topic` ALL for a no to everything."""

    contact_id: UUID
    provider: str
    topic: str
    is_granted: bool
    source: str
    at: datetime
    wording: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one person on one platform: topic -> since when."""

    granted: Mapping[str, datetime] = field(default_factory=dict)
    stopped: Mapping[str, datetime] = field(default_factory=dict)

    def stopped_at(self, topic: str) -> datetime | None:
        """When they said no to this, or to everything; None when they did not."""
        return self.stopped.get(topic) or (self.stopped.get(ALL) if topic not in self.granted else None)

    def allows(self, topic: str) -> bool:
        """Whether they may be written to first about this."""
        if self.stopped_at(topic):
            return False
        return topic in self.granted if topic == MARKETING else bool(self.granted)

    @property
    def silenced_at(self) -> datetime | None:
        """When they said no to everything, unless they agreed to something since."""
        return None if self.granted else self.stopped.get(ALL)


NOTHING = Standing()


def record(entry: Entry, by: Actor) -> OptIn:
    """Write one decision down. In the workspace's scope and a transaction. The audit log gets ids and field names."""
    _write([entry], by)
    row: OptIn = OptIn.objects.filter(
        contact_id=entry.contact_id, provider=entry.provider, topic=entry.topic, is_granted=entry.is_granted,
        source=entry.source, at=entry.at,
    ).get()  # fmt: skip
    if entry.is_granted:
        audit.record("opt_in.recorded", by, row.pk, ["topic", "source", "wording", "at", "proof"])
    else:
        audit.record("opt_in.withdrawn", by, row.pk, ["topic", "source", "at"])
    return row


def withdraw(contact_id: UUID, provider: str, topic: str, by: Actor, at: datetime, source: str = "spoken") -> OptIn:
    """The person no longer wants it, and told somebody of us."""
    return record(Entry(contact_id, provider, topic, False, source, at), by)


def record_told(entries: Sequence[Entry]) -> set[UUID]:
    """What people or platforms told by webhook, set-wise; gives the contacts of which something is new. A repeat changes
    nothing. In the workspace's scope and a transaction."""
    fresh = _write(entries, SYSTEM)
    for row in fresh:  # a no by webhook is rare: its few entries are worth a line each
        action = "opt_in.recorded" if row.is_granted else "opt_in.withdrawn"
        audit.record(action, SYSTEM, row.pk, ["topic", "source", "at"])
    return {row.contact_id for row in fresh}


def _write(entries: Sequence[Entry], by: Actor) -> list[OptIn]:
    rows = [
        OptIn(
            contact_id=entry.contact_id, provider=entry.provider, topic=entry.topic, is_granted=entry.is_granted,
            source=entry.source, wording=entry.wording or None, proof=entry.proof or None, at=entry.at,
            recorded_by_kind=by.kind, recorded_by_id=by.id,
        )
        for entry in entries
    ]  # fmt: skip
    fresh = insert_new(rows)
    return [row for row in rows if row.pk in fresh]


def move(goes: UUID, stays: UUID) -> None:
    """Two contacts became one: what the one agreed to or forbade holds for the other. Entries are never changed, so they
    are written anew, sealed under the key of whoever stays."""
    rows = list(OptIn.objects.filter(contact_id=goes))
    preload(rows)
    insert_new(
        [
            OptIn(
                contact_id=stays, provider=row.provider, topic=row.topic, is_granted=row.is_granted, source=row.source,
                wording=row.wording, proof=row.proof, at=row.at, recorded_at=row.recorded_at,
                recorded_by_kind=row.recorded_by_kind, recorded_by_id=row.recorded_by_id,
            )
            for row in rows
        ]
    )  # fmt: skip
    OptIn.objects.filter(pk__in=[row.pk for row in rows]).delete()


def standings(provider: str, contact_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """What holds for each of these contacts, in two queries whatever their number."""
    wanted = set(contact_ids)
    decisions: dict[UUID, list[tuple[datetime, bool, str]]] = {each: [] for each in wanted}
    rows = OptIn.objects.filter(provider=provider, contact_id__in=wanted)
    for contact_id, at, granted, topic in rows.values_list("contact_id", "at", "is_granted", "topic"):
        decisions[contact_id].append((at, not granted, topic))
    for contact_id, at, topic in _left(provider, wanted):
        decisions[contact_id].append((at, True, topic))
    return {contact_id: _standing(found) for contact_id, found in decisions.items()}


def _left(provider: str, contact_ids: set[UUID]) -> Iterable[tuple[UUID, datetime, str]]:
    """The noes of people whose data were erased and who are back under the same identifier."""
    handles = Handle.objects.filter(provider=provider, contact_id__in=contact_ids, kind__in=Handle.KEYS, ended_at=None)
    holder = {
        (kind, bytes(hashed)): who for who, kind, hashed in handles.values_list("contact_id", "kind", "value_hash")
    }
    if not holder:
        return
    marks = OptOut.objects.filter(provider=provider, value_hash__in=[hashed for _, hashed in holder])
    for kind, hashed, at, topic in marks.values_list("kind", "value_hash", "at", "topic"):
        if contact_id := holder.get((kind, bytes(hashed))):
            yield contact_id, at, topic


def _standing(decisions: list[tuple[datetime, bool, str]]) -> Standing:
    newest: dict[str, tuple[datetime, bool]] = {}
    for at, is_no, topic in sorted(decisions):
        newest[topic] = (at, is_no)
    all_at = newest[ALL][0] if ALL in newest and newest[ALL][1] else None
    granted = {
        topic: at for topic, (at, is_no) in newest.items()
        if not is_no and topic != ALL and (all_at is None or at > all_at)
    }  # fmt: skip
    return Standing(granted, {topic: at for topic, (at, is_no) in newest.items() if is_no})


def outlive(contact_ids: Iterable[UUID]) -> int:
    """Before contacts are erased: keep their noes under the keyed hashes of their identifiers, and delete their entries;
    gives how many entries went. In the erasing transaction."""
    wanted = set(contact_ids)
    rows = OptIn.objects.filter(contact_id__in=wanted)
    providers = set(rows.values_list("provider", flat=True).distinct())
    marks: list[OptOut] = []
    for provider in providers:
        found = standings(provider, wanted)
        handles = Handle.objects.filter(provider=provider, contact_id__in=wanted, kind__in=Handle.KEYS, ended_at=None)
        marks += [
            OptOut(provider=provider, kind=kind, value_hash=bytes(hashed), topic=topic, at=at)
            for who, kind, hashed in handles.values_list("contact_id", "kind", "value_hash")
            for topic, at in found[who].stopped.items()
        ]
    insert_new(marks)
    return int(rows.delete()[0])
