"""Journal to messages: claims raw events, parses them, has stored what they hold.

1. One transaction claims (SKIP LOCKED), writes and marks done: a kill at any point leaves the event as it was.
2. A message is unique on (workspace, channel, hash of its id): repeats change nothing.
3. One bad event is set aside with its reason; its batch goes on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from channels_app.contract import AccountEvent, Update
from channels_app.models import Channel, RawEvent
from channels_app.registry import PROVIDERS
from channels_app.webhooks import place
from conversations.ingest.item import Item
from conversations.ingest.storing import store
from omnistra.core import keyring, reports
from omnistra.core.jobs import wake
from omnistra.core.keyring import KeyMissing, SealBroken
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
BATCH_EVENTS = 2000
BATCH_UPDATES = 4000


@dataclass(slots=True)
class _Event:
    """A claimed raw event with what is wrong with it."""

    id: UUID
    provider: str
    received_at: datetime
    signed_for: UUID | None = None  # the workspace whose own app signed it: it tells of no other's channels
    updates: Sequence[Update] = ()
    problems: list[str] = field(default_factory=list)


def drain() -> int:
    """Work the journal off; gives how many raw events were settled."""
    total = 0
    while True:
        settled = drain_batch()
        total += settled
        if settled == 0:
            return total


def drain_batch(limit: int = BATCH_EVENTS) -> int:
    """Settle one batch of raw events; gives how many. Raises OperationalError when the database goes away."""
    with transaction.atomic():
        with system_scope("conversations.drain"):
            rows = (
                RawEvent.objects.filter(state=RawEvent.State.NEW)
                .order_by("id")
                .select_for_update(skip_locked=True)
                .values_list("id", "provider", "received_at", "workspace_id", "body")[:limit]
            )
            events = _parse(list(rows))
            channels = _channels(events)
        groups: dict[UUID, list[tuple[_Event, Item]]] = defaultdict(list)
        # One that was disconnected may have been connected by another workspace since: that one has it now.
        channels.sort(key=lambda channel: channel.status != Channel.Status.DISCONNECTED)
        by_id = {(channel.provider, channel.external_id): channel for channel in channels}
        for event in events:
            for item in _route(event, by_id, channels):
                groups[item.channel.workspace_id].append((event, item))
        spent: set[UUID] = set()
        for workspace_id in sorted(groups):  # in one order everywhere: the locks of two drains cannot cross
            spent |= _store_group(workspace_id, groups[workspace_id])
        with system_scope("conversations.drain"):
            _settle(events)
            # What was taken back is not to lie in the journal either, unless a neighbour still waits there.
            RawEvent.objects.filter(pk__in=spent, state=RawEvent.State.DONE).delete()
    return len(events)


def _parse(rows: Sequence[tuple[UUID, str, datetime, UUID | None, bytes]]) -> list[_Event]:
    """Open and parse, until the batch is full; what is left stays new for the next one."""
    keys = keyring.available({keyring.key_id(bytes(row[4])) for row in rows})
    events: list[_Event] = []
    size = 0
    for identity, provider, received_at, signed_for, sealed in rows:
        if size >= BATCH_UPDATES:
            break
        event = _Event(identity, provider, received_at, signed_for)
        events.append(event)
        try:
            body = keys[keyring.key_id(sealed)].open(bytes(sealed), place(provider, identity))
            parsed = PROVIDERS[provider].parse(body)
        except (KeyError, KeyMissing, SealBroken) as error:
            event.problems.append(f"not_opened:{type(error).__name__}")
            continue
        event.updates = parsed.updates
        event.problems += [problem.reason for problem in parsed.problems]
        size += max(1, len(parsed.updates))
    return events


def _channels(events: Iterable[_Event]) -> list[Channel]:
    """The channels that the events name, in one query."""
    named: dict[str, set[str]] = defaultdict(set)
    accounts: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for update in event.updates:
            if update.channel:
                named[event.provider].add(update.channel)
            elif isinstance(update, AccountEvent) and update.account:
                accounts[event.provider].add(update.account)
    wanted = Q(pk__in=[])
    for slug, ids in named.items():
        wanted |= Q(provider=slug, external_id__in=ids)
    for slug, ids in accounts.items():
        wanted |= Q(provider=slug, account_id__in=ids)
    return list(Channel.objects.filter(wanted).defer("credentials"))


def _route(event: _Event, by_id: Mapping[tuple[str, str], Channel], all_channels: Sequence[Channel]) -> list[Item]:
    """The updates whose channel is ours. Number and account must belong to the same channel; what befell an account
    befell each of its channels."""
    items = []
    for update in event.updates:
        if update.channel or not isinstance(update, AccountEvent):
            found = [channel] if (channel := by_id.get((event.provider, update.channel))) else []
        else:
            found = [
                each for each in all_channels if each.provider == event.provider and each.account_id == update.account
            ]
        if event.signed_for:
            found = [each for each in found if each.workspace_id == event.signed_for]
        if not found:
            event.problems.append("unknown_channel")
        for channel in found:
            if channel.account_id and update.account and channel.account_id != update.account:
                event.problems.append("foreign_account")
            elif channel.status == Channel.Status.DISCONNECTED:
                event.problems.append("channel_disconnected")
            else:
                at = update.at if update.at is not None and update.at <= event.received_at else event.received_at
                items.append(Item(update, channel, at, event.id))
    return items


def _store_group(workspace_id: UUID, group: list[tuple[_Event, Item]]) -> set[UUID]:
    """Write a workspace's updates; when the set fails, each event on its own, and the failing one is set aside. Gives
    the raw events that are not to be kept."""
    try:
        with workspace_scope(workspace_id), transaction.atomic():
            return store(workspace_id, [item for _, item in group])
    except OperationalError:
        raise
    except Exception as error:
        log.warning("ingest.batch_failed", workspace=workspace_id, trace=frames(error))
    by_event: dict[UUID, tuple[_Event, list[Item]]] = {}
    for event, item in group:
        by_event.setdefault(event.id, (event, []))[1].append(item)
    spent: set[UUID] = set()
    for event, items in by_event.values():
        try:
            with workspace_scope(workspace_id), transaction.atomic():
                spent |= store(workspace_id, items)
        except OperationalError:
            raise
        except Exception as error:
            log.error("ingest.event_failed", raw_event=event.id, trace=frames(error))
            reports.capture(error)
            event.problems.append(f"failed:{type(error).__name__}")
    return spent


def _settle(events: Sequence[_Event]) -> None:
    now = timezone.now()
    columns: tuple[list[UUID], list[str], list[str]] = ([], [], [])
    for event in events:
        columns[0].append(event.id)
        columns[1].append(RawEvent.State.ASIDE if event.problems else RawEvent.State.DONE)
        columns[2].append(", ".join(dict.fromkeys(event.problems))[:200])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_rawevent r SET state = n.state, reason = n.reason, processed_at = %s "
            "FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS n(id, state, reason) WHERE r.id = n.id",
            [now, *columns],
        )


def replay(event: RawEvent) -> None:
    """Put a raw event that was set aside back into the journal (operators). In a system scope."""
    event.state, event.reason, event.processed_at = RawEvent.State.NEW, "", None
    event.save(update_fields=["state", "reason", "processed_at"])
    transaction.on_commit(lambda: wake("conversations.drain"))
