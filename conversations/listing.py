"""The conversation list: filters, keyset pages and rows, in a constant number of queries."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from accounts.models import Membership
from channels_app.models import Channel
from conversations import naming
from conversations.models import Conversation, Handle, Message
from conversations.reply_window import reply_window
from omnistra.core.sealing import preload

PAGE = 40  # rows
COUNTED = 1000  # the highest count that is told exactly
VIEWS = {"open": "Open", "mine": "Mine", "unassigned": "Unassigned", "closed": "Closed"}


def cursor(at: datetime, identity: UUID) -> str:
    """A place in a list that is ordered by (time, id)."""
    return f"{int(at.timestamp() * 1_000_000)}_{identity.hex}"


def read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """The place that a cursor names; None for nonsense."""
    try:
        micros, _, identity = text.partition("_")
        whole, rest = divmod(int(micros), 1_000_000)
        return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest), UUID(identity)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list shows: a view, a channel, unread ones only. They stay in every address of the page."""

    view: str = "open"
    channel: UUID | None = None
    unread: bool = False

    @classmethod
    def read(cls, query: Any) -> "Filters":
        """From a query; nonsense is left out."""
        try:
            channel = UUID(query.get("channel", ""))
        except ValueError:
            channel = None
        view = query.get("view", "open")
        return cls(view if view in VIEWS else "open", channel, query.get("unread") == "1")

    def query(self, **other: Any) -> str:
        """As a query string without "?", with some replaced."""
        values = {"view": self.view, "channel": self.channel, "unread": self.unread, **other}
        kept = {
            "view": values["view"] if values["view"] != "open" else "",
            "channel": str(values["channel"] or ""),
            "unread": "1" if values["unread"] else "",
        }
        return urlencode({name: value for name, value in kept.items() if value})

    def apply(self, member: Membership) -> QuerySet[Any]:
        """The conversations."""
        rows = Conversation.objects.filter(status="closed" if self.view == "closed" else "open")
        if self.view == "mine":
            rows = rows.filter(assignee_id=member.pk)
        elif self.view == "unassigned":
            rows = rows.filter(assignee__isnull=True)
        if self.channel:
            rows = rows.filter(channel_id=self.channel)
        return rows.filter(unread_count__gt=0) if self.unread else rows


@dataclass(slots=True)
class Row:
    """One line of the list."""

    id: UUID
    url: str
    name: str
    initials: str
    hue: int
    provider: str
    channel_name: str
    time: datetime
    preview: str
    preview_ours: bool
    preview_icon: str | None
    status_tick: str | None
    unread: int
    active: bool
    window_state: str
    window_closes_at: datetime | None
    assignee_name: str
    assignee_initials: str
    status: str


def rows(
    conversations: QuerySet[Any], slug: str, filters: Filters, active: UUID | None = None, after: str = ""
) -> tuple[list[Row], str]:
    """A page of rows, the newest first, and the cursor of the next page ("" at the end). Three queries."""
    if after and (place := read_cursor(after)):
        at, identity = place
        conversations = conversations.filter(Q(last_message_at__lt=at) | Q(last_message_at=at, id__lt=identity))
    newest = Message.said().filter(conversation_id=OuterRef("pk")).order_by("-provider_at", "-id").values("pk")[:1]
    page = list(
        conversations.order_by("-last_message_at", "-id")
        .select_related("contact", "channel", "assignee__user")
        .defer("channel__credentials")
        .annotate(newest_id=Subquery(newest))[: PAGE + 1]
    )
    more, page = len(page) > PAGE, page[:PAGE]
    messages = Message.objects.defer("external_id", "error").in_bulk([row.newest_id for row in page if row.newest_id])
    nameless = [row.contact_id for row in page if row.contact.__dict__.get("name") is None]
    handles: dict[UUID, list[Handle]] = {}
    for handle in (
        Handle.objects.filter(contact_id__in=nameless, ended_at=None).order_by("created_at") if nameless else ()
    ):
        handles.setdefault(handle.contact_id, []).append(handle)
    preload([*(row.contact for row in page), *messages.values(), *(h for some in handles.values() for h in some)])
    shown = [
        _row(row, messages.get(row.newest_id), handles.get(row.contact_id, []), slug, filters, active) for row in page
    ]
    return shown, cursor(page[-1].last_message_at, page[-1].pk) if more else ""


def _row(
    conversation: Any, message: Message | None, handles: list[Handle], slug: str, filters: Filters, active: UUID | None
) -> Row:
    name = naming.shown_name(conversation.contact, handles)
    window = reply_window(conversation)
    ours = message is not None and message.direction == Message.Direction.OUTBOUND and message.unsent_at is None
    assignee = conversation.assignee
    query = filters.query()
    return Row(
        id=conversation.pk,
        url=reverse("conversations:detail", args=[slug, conversation.pk]) + (f"?{query}" if query else ""),
        name=name,
        initials=naming.initials(name),
        hue=naming.hue(conversation.contact_id),
        provider=conversation.channel.provider,
        channel_name=conversation.channel.name,
        time=conversation.last_message_at,
        preview=naming.preview(message),
        preview_ours=ours,
        preview_icon=message.type if message and message.type in naming.ICONS and not message.unsent_at else None,
        status_tick=_tick(message.status) if message and ours else None,
        unread=conversation.unread_count,
        active=conversation.pk == active,
        window_state=window.state,
        window_closes_at=window.closes_at,
        assignee_name=assignee.user.name if assignee else "",
        assignee_initials=assignee.initials if assignee else "",
        status=conversation.status,
    )


def _tick(status: str) -> str:
    return "queued" if status == "sending" else status


def _counts(member: Membership) -> dict[str, int]:
    """How many each view holds, in one query. Counting stops at COUNTED: nobody acts on the difference, and a list of
    a hundred thousand must not cost more than one of a hundred."""
    opened = Conversation.objects.filter(status="open")
    parts = {
        "open": opened,
        "mine": opened.filter(assignee_id=member.pk),
        "unassigned": opened.filter(assignee__isnull=True),
        "unread": opened.filter(unread_count__gt=0),
    }
    queries = [rows.values("pk")[:COUNTED].query.sql_with_params() for rows in parts.values()]
    columns = ", ".join(f"(SELECT count(*) FROM ({sql}) AS counted)" for sql, _ in queries)  # noqa: S608  (the ORM's)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [value for _, values in queries for value in values])
        return dict(zip(parts, cursor.fetchone(), strict=True))


def frame(filters: Filters, member: Membership) -> dict[str, Any]:
    """The views column: counts and channels, two queries."""
    slug = member.workspace.slug
    base = reverse("conversations:list", args=[slug])
    counts = _counts(member)

    def address(**other: Any) -> str:
        query = filters.query(**other)
        return f"{base}?{query}" if query else base

    channels = list(Channel.objects.exclude(status="disconnected").defer("credentials").order_by("created_at"))
    return {
        "views": [
            {
                "key": key,
                "label": label,
                "url": address(view=key),
                "count": counts.get(key),
                "active": key == filters.view and filters.channel is None,
            }
            for key, label in VIEWS.items()
        ],
        "channels": [
            {
                "id": channel.pk,
                "name": channel.name,
                "provider": channel.provider,
                "url": address(channel=channel.pk),
                "active": channel.pk == filters.channel,
            }
            for channel in channels
        ],
        "has_channels": bool(channels),
        "list_title": VIEWS[filters.view],
        "list_url": address(),
        "list_query": filters.query(),
        "unread_only": filters.unread,
        "unread_url": address(unread=not filters.unread),
        "unread_total": counts["unread"],
    }


def next_url(current: str, filters: Filters, following: str) -> str | None:
    """The address of the next page of rows, or None at the end."""
    if not following:
        return None
    query = filters.query()
    return f"{current}?{query + '&' if query else ''}after={following}"
