"""Writes one workspace's updates, each kind by its room, in an order in which they do not depend on their own order."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from channels_app import health
from channels_app.contract import (
    AccountEvent,
    Arrival,
    Consent,
    Echo,
    Edit,
    Handover,
    InboundMessage,
    PersonChange,
    Reaction,
    StatusUpdate,
    Unsent,
    Watermark,
)
from conversations import identities, statuses
from conversations.ingest import echoes, edits, messages, people, reactions, rooms, threads, unsending
from conversations.ingest.item import Item, Target, Thread, Touched, contacts, lock_workspace, target
from omnistra.core import live

_IN_THREADS = (InboundMessage, Echo, Reaction, Arrival)


def store(workspace_id: UUID, items: Sequence[Item]) -> set[UUID]:
    """Write updates of one workspace, in its scope and inside a transaction; gives the raw events that hold what is not
    to be kept (taken back, or replaced by an edit).

    An entry of the phone's address book changes nothing: whom the company knows by which name stays on its phone.
    """
    lock_workspace(workspace_id)
    of: dict[type[Any], list[Item]] = defaultdict(list)
    for item in items:
        of[type(item.update)].append(item)
    touched, spent = unsending.apply(workspace_id, of[Unsent])
    linked: list[Item] = []
    if any(of[kind] for kind in _IN_THREADS):
        talk, unwanted = _sift(workspace_id, [item for item in items if isinstance(item.update, _IN_THREADS)])
        spent |= unwanted
        linked = _talk(workspace_id, talk, touched)
    changed, replaced = edits.apply(workspace_id, of[Edit])
    touched |= changed
    spent |= replaced
    heard = [*linked, *of[StatusUpdate]]
    touched |= statuses.apply(workspace_id, [(item.update, item.channel, item.at) for item in heard])  # type: ignore[misc]
    touched |= statuses.reach(workspace_id, people.watermarks(workspace_id, of[Watermark]))
    touched |= people.hand_over(workspace_id, of[Handover])
    touched |= people.change(workspace_id, of[PersonChange])
    _hand_on(workspace_id, of[Consent], of[AccountEvent])
    health.heard(_speaking(items))
    live.publish(workspace_id, "message", touched)
    return spent


def _speaking(items: Sequence[Item]) -> dict[UUID, bool]:
    """The channels that were heard of, and whether a person's message was among it."""
    heard: dict[UUID, bool] = {}
    for item in items:
        heard[item.channel.pk] = heard.get(item.channel.pk, False) or isinstance(item.update, InboundMessage)
    return heard


def _sift(workspace_id: UUID, items: Sequence[Item]) -> tuple[list[tuple[Item, Target | None]], set[UUID]]:
    """What is news: items with the messages that they are (an arrival is none) or mark. Without those of messages that
    were taken back and those that are here already, for which neither contact nor conversation is made. And the raw
    events of what was taken back."""
    keyed = [(item, _about(workspace_id, item)) for item in items]
    gone = unsending.buried([key for _, key in keyed if key])
    known = messages.known([key for item, key in keyed if key and not isinstance(item.update, Reaction)])
    if not gone and not known:
        return keyed, set()
    spent = {item.event for item, key in keyed if key in gone and item.event}
    placeholders: dict[UUID, Item] = {}
    news = []
    for item, key in keyed:
        if key in gone:
            continue
        if key not in known or isinstance(item.update, Reaction):
            news.append((item, key))
        elif placeholder := known[key]:
            placeholders[placeholder] = item
    messages.fill(placeholders)
    return news, spent


def _about(workspace_id: UUID, item: Item) -> Target | None:
    update = item.update
    if isinstance(update, InboundMessage | Echo):
        return target(workspace_id, item, update.external_id)
    return target(workspace_id, item, update.target) if isinstance(update, Reaction) else None


def _talk(workspace_id: UUID, talk: Sequence[tuple[Item, Target | None]], touched: Touched) -> list[Item]:
    """Store messages, marks and arrivals; gives the echoes of our own messages, as statuses."""
    if not talk:
        return []
    found = threads.of(workspace_id, [item for item, _ in talk])
    wanted: messages.Wanted = {}
    arrivals: list[tuple[Item, Thread]] = []
    marks: list[tuple[Item, Target, Thread]] = []
    for (item, key), thread in zip(talk, found, strict=True):
        if key is None:
            arrivals.append((item, thread))
        elif isinstance(item.update, Reaction):
            marks.append((item, key, thread))
        else:
            wanted.setdefault(key, (item, thread))
    linked = echoes.ours(workspace_id, wanted)
    touched |= people.arrive(arrivals)
    led_here = {thread.id for item, thread in arrivals if item.update.referral}  # type: ignore[union-attr]
    for key, (item, thread) in wanted.items() if led_here else ():
        if thread.id in led_here:
            wanted[key] = (item, thread._replace(has_referral=True))
    if wanted:
        fresh = messages.insert(workspace_id, wanted)
        touched |= messages.count(fresh)
        for listen in rooms.HEARD:
            listen(workspace_id, [row for item, row in fresh if _is_heard(item)])
    touched |= reactions.apply(workspace_id, marks)
    return linked


def _is_heard(item: Item) -> bool:
    update = item.update
    return isinstance(update, InboundMessage) and not update.is_history and not update.is_standby


def _hand_on(workspace_id: UUID, consents: Sequence[Item], events: Sequence[Item]) -> None:
    if consents and rooms.CONSENTS:
        whose = contacts(workspace_id, consents, identities.resolve)
        for apply in rooms.CONSENTS:
            apply(workspace_id, [(item.update, who, item.channel) for item, who in zip(consents, whose, strict=True)])  # type: ignore[misc]
    for hand in rooms.ACCOUNT_EVENTS if events else ():
        hand(workspace_id, [(item.update, item.channel) for item in events])  # type: ignore[misc]
