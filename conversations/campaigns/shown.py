"""Campaigns as pages and files show them. How far a message came is read from the message while it is there, so that no
number can differ from what the thread says.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, F, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit.export import safe_cell
from accounts.models import Workspace
from channels_app.models import Channel
from conversations import masking, naming
from conversations.campaigns import words
from conversations.models import Campaign, CampaignRecipient, Contact, Conversation, Handle, Message
from conversations.policy import Refused
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload
from omnistra.core.tenancy import workspace_scope

S = CampaignRecipient.State
PAGE = 50
# In the order in which a message passes them; what did not work out at the end.
ORDER = (S.READ, S.DELIVERED, S.SENT, S.QUEUED, S.PENDING, S.UNKNOWN, S.FAILED, S.SKIPPED)
TONES = {
    "draft": "line", "scheduled": "accent", "running": "accent", "paused": "warning", "finished": "positive",
    "stopped": "line", "read": "positive", "delivered": "positive", "sent": "", "queued": "", "pending": "line",
    "unknown": "warning", "failed": "danger", "skipped": "line",
}  # fmt: skip
_SHOWN = Case(
    When(message__status__in=["queued", "sending"], then=Value(S.QUEUED.value)),
    When(message__isnull=False, then=F("message__status")),
    default=F("state"),
)


def _recipients(campaign_ids: Sequence[UUID]) -> QuerySet[Any]:
    return CampaignRecipient.objects.filter(campaign_id__in=campaign_ids).annotate(shown=_SHOWN)


@dataclass(frozen=True, slots=True)
class Share:
    """One state's part of a campaign's people. `start` and `width` are its place in a bar of 1000."""

    state: str
    label: str
    count: int
    percent: float
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is. `done` of `chosen` (who was not left out) have left us."""

    shares: Sequence[Share]
    total: int
    chosen: int
    done: int
    skipped: int

    def count(self, state: str) -> int:
        """How many are in a state."""
        return sum(each.count for each in self.shares if each.state == state)

    @property
    def pending(self) -> int:
        """How many wait."""
        return self.count(S.PENDING)


def progress(campaigns: Sequence[Campaign]) -> dict[UUID, Progress]:
    """Of each campaign, in one query."""
    rows = _recipients([each.pk for each in campaigns]).values_list("campaign_id", "shown").annotate(number=Count("pk"))
    counts: dict[UUID, dict[str, int]] = defaultdict(dict)
    for campaign_id, state, number in rows:
        counts[campaign_id][state] = number
    return {each.pk: _progress(each, counts[each.pk]) for each in campaigns}


def _progress(campaign: Campaign, counts: dict[str, int]) -> Progress:
    total = sum(counts.values())
    skipped = counts.get(S.SKIPPED, 0)
    chosen = total - skipped
    shares, start = [], 0.0
    for state in ORDER:
        if not (count := counts.get(state, 0)):
            continue
        part = 0.0 if state == S.SKIPPED or not chosen else count / chosen
        label = _("Not sent any more") if state == S.PENDING and campaign.is_over else str(S(state).label)
        shares.append(Share(state.value, label, count, 100 * part, 1000 * start, 1000 * part))
        start += part
    not_gone = sum(counts.get(state, 0) for state in (S.PENDING, S.QUEUED, S.FAILED))
    return Progress(shares, total, chosen, chosen - not_gone, skipped)


def left_out(campaign: Campaign) -> list[tuple[str, int]]:
    """Why people are left out, and how many for each reason."""
    rows = CampaignRecipient.objects.filter(campaign=campaign, state=S.SKIPPED)
    found = rows.values_list("reason").annotate(number=Count("pk")).order_by("-number", "reason")
    return [(_reason(reason, campaign.channel), number) for reason, number in found]


def _reason(code: str, channel: Channel) -> str:
    return words.hold(code, channel).reason if code in words.OF_ALL or code in words.HOLDS else words.left_out(code)


def hold(campaign: Campaign) -> Refused | None:
    """Why it is paused."""
    return words.hold(campaign.reason, campaign.channel) if campaign.state == Campaign.State.PAUSED else None


@dataclass(frozen=True, slots=True)
class Row:
    """One person. `why` in words; `at` when the state came."""

    id: UUID
    contact_id: UUID
    name: str
    handle: str
    state: str
    label: str
    tone: str
    why: str
    at: datetime | None
    error_code: int | None
    message: Message | None
    url: str = ""


def rows(
    campaign: Campaign, slug: str, state: str = "", after: UUID | None = None, limit: int = PAGE
) -> tuple[list[Row], UUID | None]:
    """A page of people in the order of their rows, and the place of the next page. A constant number of queries."""
    found = _recipients([campaign.pk])
    if state:
        found = found.filter(shown=state)
    if after is not None:
        found = found.filter(pk__gt=after)
    page = list(found.order_by("pk")[: limit + 1])
    more, page = len(page) > limit, page[:limit]
    people = Contact.objects.in_bulk([each.contact_id for each in page])
    sent = Message.objects.defer("content", "external_id").in_bulk(
        [each.message_id for each in page if each.message_id]
    )
    handles: dict[UUID, Handle] = {}
    for handle in Handle.objects.filter(
        contact_id__in=people, provider=campaign.channel.provider, kind__in=Handle.KEYS, ended_at=None
    ).order_by(Case(When(kind=Handle.NUMBER, then=0), default=1), "created_at"):
        handles.setdefault(handle.contact_id, handle)
    talks = dict(
        Conversation.objects.filter(channel_id=campaign.channel_id, contact_id__in=people).values_list(
            "contact_id", "pk"
        )
    )
    preload([*people.values(), *handles.values(), *sent.values()])
    listed = [
        _row(each, campaign, people.get(each.contact_id), handles.get(each.contact_id), sent.get(each.message_id),
             reverse("conversations:detail", args=[slug, talks[each.contact_id]]) if each.contact_id in talks else "")
        for each in page
    ]  # fmt: skip
    return listed, page[-1].pk if more else None


def _row(
    row: Any, campaign: Campaign, contact: Contact | None, handle: Handle | None, message: Message | None, url: str
) -> Row:
    state = S(row.shown)
    why, number = "", ""
    if state == S.SKIPPED:
        why = _reason(row.reason, campaign.channel)
    try:
        if message is not None and message.error:
            why = str(message.error.get("title", ""))
        number = masking.handle(handle.kind, handle.value) if handle else ""
    except KeyMissing:
        pass
    label = _("Not sent any more") if state == S.PENDING and campaign.is_over else str(state.label)
    at = None if message is None else message.read_at or message.delivered_at or message.failed_at or message.sent_at
    return Row(
        row.pk, row.contact_id, naming.shown_name(contact, [handle] if handle else []) if contact else _("Erased contact"),
        number, state.value, label, TONES[state.value], why, at, message.error_code if message else None, message, url,
    )  # fmt: skip


COLUMNS = ("contact", "handle", "state", "reason", "error_code", "sent_at", "delivered_at", "read_at", "failed_at")


class _Echo:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def as_csv(workspace: Workspace, campaign: Campaign, chunk: int = 500) -> Iterator[str]:
    """The results as a file, a chunk a transaction; identifiers are masked as on every page."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)  # type: ignore[misc]  # the stubs know no writer that gives something back
    after: UUID | None = None
    while True:
        with workspace_scope(workspace.pk), transaction.atomic():
            page, after = rows(campaign, workspace.slug, after=after, limit=chunk)
        yield "".join(str(writer.writerow([safe_cell(cell) for cell in _cells(each)])) for each in page)
        if after is None:
            return


def _cells(row: Row) -> list[object]:
    times = [getattr(row.message, name, None) for name in ("sent_at", "delivered_at", "read_at", "failed_at")]
    return [
        row.contact_id,
        row.handle,
        row.state,
        row.why,
        row.error_code,
        *(each and each.isoformat() for each in times),
    ]
