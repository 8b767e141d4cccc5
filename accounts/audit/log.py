"""Reading the audit log: for its page, the API and exports. Newest first, by number, in keyset pages.

The chain makes times follow numbers, so a span of time is a span of numbers: two look-ups in an index instead of a walk
through everything that is younger.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import QuerySet, Subquery
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.audit import actions
from accounts.audit.names import Name, Names
from accounts.models import AuditEntry

PAGE = 50
_READING = ("conversation.opened", "operator.conversation_read")
_LOOKED_AT = 100  # entries in which readers are looked for
CURSOR = re.compile(r"(before|after)-([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show. `since` is included, `until` is not."""

    group: str = ""
    action: str = ""
    actor: UUID | None = None
    actor_kind: str = ""
    target: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def apply(self) -> QuerySet[AuditEntry]:
        """The chained entries of the workspace in force that match."""
        rows = AuditEntry.objects.filter(number__isnull=False)
        if self.group:
            rows = rows.filter(action__in=actions.of_group(self.group))
        if self.action:
            rows = rows.filter(action=self.action)
        if self.actor:
            rows = rows.filter(actor_id=self.actor)
        if self.actor_kind == AuditEntry.Actor.SYSTEM:
            rows = rows.filter(actor_id=None)  # the same, by the index on who did it
        elif self.actor_kind:
            rows = rows.filter(actor_kind=self.actor_kind)
        if self.target:
            rows = rows.filter(target_id=self.target)
        chained = AuditEntry.objects.filter(number__isnull=False)
        if self.since:
            first = chained.filter(at__gte=self.since).order_by("at", "number")
            rows = rows.filter(number__gte=Subquery(first.values("number")[:1]))
        if self.until:
            last = chained.filter(at__lt=self.until).order_by("-at", "-number")
            rows = rows.filter(number__lte=Subquery(last.values("number")[:1]))
        return rows  # type: ignore[no-any-return]

    def used(self) -> list[str]:
        """The names of the filters that are set."""
        return [name for name in self.__slots__ if getattr(self, name)]


def start_of(day: date) -> datetime:
    """Midnight at which a day begins, in the time zone in force."""
    return timezone.make_aware(datetime.combine(day, time()))


def end_of(day: date) -> datetime:
    """Midnight at which a day ends."""
    return start_of(day + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and the cursors of the pages around ("": none)."""

    entries: list[AuditEntry]
    older: str = ""
    newer: str = ""


def page(rows: QuerySet[AuditEntry], cursor: str = "", limit: int = PAGE) -> Page:
    """One page of `rows`; a cursor that is none begins at the newest. One query."""
    match = CURSOR.fullmatch(cursor)
    number, backwards = (int(match[2]), match[1] == "after") if match else (None, False)
    if number is not None:
        rows = rows.filter(number__gt=number) if backwards else rows.filter(number__lt=number)
    found = list(rows.order_by("number" if backwards else "-number")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    if not found:
        return Page([])
    older = f"before-{found[-1].number}" if more or backwards else ""
    newer = f"after-{found[0].number}" if number is not None and (more or not backwards) else ""
    return Page(found, older, newer)


def readers(conversation_id: UUID, at_most: int = 5) -> list[AuditEntry]:
    """Who has read a conversation lately: the latest entry of each reader, the latest first. One query."""
    rows = AuditEntry.objects.filter(number__isnull=False, target_id=conversation_id, action__in=_READING)
    latest: dict[tuple[str, UUID | None], AuditEntry] = {}
    for entry in rows.order_by("-number")[:_LOOKED_AT]:
        latest.setdefault((entry.actor_kind, entry.actor_id), entry)
    return list(latest.values())[:at_most]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as people read it."""

    entry: AuditEntry
    icon: str
    sentence: SafeString
    text: str
    actor: str
    details: str
    has_target: bool


def lines(entries: Sequence[AuditEntry], slug: str) -> list[Line]:
    """Entries in words. In the workspace's scope; one query for each kind of row that they point to."""
    names = Names(slug, entries)
    return [_line(entry, names.actor(entry), names.target(entry)) for entry in entries]


def _line(entry: AuditEntry, actor: Name, target: Name) -> Line:
    action = actions.ACTIONS.get(entry.action)
    words = str(action.words) if action else "{who}: " + entry.action
    group = actions.GROUPS[action.group] if action else None
    text = words.format(who=actor.text, what=target.text)
    return Line(
        entry=entry,
        icon=group.icon if group else "history",
        sentence=format_html(words, who=_marked(actor, words, "who"), what=_marked(target, words, "what")),
        text=text[:1].upper() + text[1:],
        actor=actor.text,
        details=", ".join(each.replace("_", " ") for each in entry.fields),
        has_target=bool(action and action.target and entry.target_id),
    )


def _marked(name: Name, words: str, place: str) -> SafeString:
    """A name in a sentence: set apart, a link where there is one, with a capital where it begins the sentence."""
    text = name.text[:1].upper() + name.text[1:] if words.startswith(f"{{{place}}}") else name.text
    if name.url:
        return format_html('<a class="link" href="{}"><bdi>{}</bdi></a>', name.url, text)
    return format_html("<strong><bdi>{}</bdi></strong>", text) if text else SafeString("")
