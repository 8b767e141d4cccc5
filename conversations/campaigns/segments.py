"""Who a campaign goes to: people of a channel's platform by what is known of them, or a list of numbers that are matched
to contacts. A number that nobody here has is counted and told by its line; no contact is made of it, and it is not kept.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from channels_app.models import Channel
from conversations.identities import handle_hash
from conversations.models import Contact, Conversation, Handle, OptIn
from conversations.opt_ins import ledger

MAX_LINES = 50_000
SHOWN_LINES = 20  # of those that were not matched
_CELL = re.compile(r"[,;\t]")
_NUMBER = re.compile(r"[1-9]\d{6,14}")  # ITU-T E.164


class NotRead(Exception):
    """The list cannot be read: why, in words."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`topic` asks for a recorded yes to it ("" for none: who did not agree is left out all the same, and counted);
    `wrote_days` for people who wrote within so many days, `silent_days` for people who did not. With `is_list` the people
    are `contacts`, by their ids in text; `unmatched` and `unread` say how many lines led to nobody or were no number, and
    `lines` which."""

    topic: str = ""
    wrote_days: int | None = None
    silent_days: int | None = None
    is_list: bool = False
    contacts: Sequence[str] = ()
    unmatched: int = 0
    unread: int = 0
    lines: Sequence[int] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self) | {"contacts": list(self.contacts), "lines": list(self.lines)}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Segment":
        """What was kept."""
        return cls(**kept)


def people(channel: Channel, segment: Segment, after: UUID | None, limit: int) -> list[UUID]:
    """The next contacts of a segment, in the order of their ids."""
    if segment.is_list:
        ids = sorted(map(UUID, segment.contacts))
        if after is not None:
            ids = [each for each in ids if each > after]
        there = Contact.objects.filter(pk__in=ids[:limit]).values_list("pk", flat=True)
        return sorted(there) or (people(channel, segment, ids[limit - 1], limit) if len(ids) > limit else [])
    rows = _known(channel, segment)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def _known(channel: Channel, segment: Segment) -> QuerySet[Any]:
    handles = Handle.objects.filter(
        contact_id=OuterRef("pk"), provider=channel.provider, kind__in=Handle.KEYS, ended_at=None
    )
    rows = Contact.objects.filter(Exists(handles), merged_into__isnull=True)
    if segment.topic:
        yes = OptIn.objects.filter(contact_id=OuterRef("pk"), provider=channel.provider, is_granted=True)
        rows = rows.filter(Exists(yes.filter(topic=segment.topic) if segment.topic == ledger.MARKETING else yes))
    talks = Conversation.objects.filter(contact_id=OuterRef("pk"), channel=channel)
    now = timezone.now()
    if segment.wrote_days is not None:
        rows = rows.filter(Exists(talks.filter(last_inbound_at__gte=now - timedelta(days=segment.wrote_days))))
    if segment.silent_days is not None:
        rows = rows.exclude(Exists(talks.filter(last_inbound_at__gte=now - timedelta(days=segment.silent_days))))
    return rows


def read_numbers(text: str) -> dict[int, str]:
    """Line -> its number in digits, "" for a line that is none: the first cell of each line that is not empty. Raises
    NotRead."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise NotRead(f"A list has {MAX_LINES:,} lines at most; this one has {len(lines):,}.")
    found: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        cell = _CELL.split(line)[0].strip().strip("\"'")
        if not cell:
            continue
        digits = re.sub(r"[\s().\-/\u00a0\u2011]", "", cell).removeprefix("+").removeprefix("00")
        found[number] = digits if _NUMBER.fullmatch(digits) else ""
    return found


def match(channel: Channel, text: str) -> Segment:
    """The contacts of a list of numbers. Two queries. Raises NotRead."""
    numbers = read_numbers(text)
    if not numbers:
        raise NotRead("There is no number in it. Write one on each line, in international form: +49 170 1112233.")
    hashes = {
        line: handle_hash(channel.workspace_id, channel.provider, Handle.NUMBER, digits)
        for line, digits in numbers.items()
        if digits
    }
    rows = Handle.objects.filter(
        provider=channel.provider, kind=Handle.NUMBER, ended_at=None, value_hash__any=set(hashes.values())
    )
    holder = {bytes(hashed): who for hashed, who in rows.values_list("value_hash", "contact_id")}
    unmatched = [line for line, hashed in hashes.items() if hashed not in holder]
    unread = [line for line, digits in numbers.items() if not digits]
    return Segment(
        is_list=True,
        contacts=sorted(str(who) for who in set(holder.values())),
        unmatched=len(unmatched),
        unread=len(unread),
        lines=sorted([*unmatched, *unread])[:SHOWN_LINES],
    )
