"""The number is shared with another app or Meta's own agent (8). The forms are not confirmed, so they are read leniently;
what cannot be read stays in the raw event alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from channels_app.contract import Handover, Problem
from channels_app.providers.meta.reading import as_dict, as_list, as_text, moment
from channels_app.providers.whatsapp.payloads import messages, statuses
from channels_app.providers.whatsapp.payloads.change import Change, Found, elements
from channels_app.providers.whatsapp.payloads.coexistence import read_echo
from channels_app.providers.whatsapp.payloads.people import digits_of

_CONTROLS = (
    "pass_thread_control",
    "take_thread_control",
    "control_passed",
    "control_taken",
    "thread_control",
    "handover",
)


def standby(change: Change) -> Iterator[Found]:
    """What is said while somebody else holds the conversation."""
    change = replace(change, is_standby=True)
    yield from elements(change, "messages", messages.read)
    yield from elements(change, "message_echoes", read_echo)
    yield from elements(change, "statuses", statuses.read)


def handovers(change: Change) -> Iterator[Found]:
    """Who answers from now on: one object, or a list of them."""
    if as_list(change.value.get(change.field)):
        yield from elements(change, change.field, _handover)
    elif set(change.value) - {"messaging_product", "metadata", "contacts"}:
        yield _handover(change, change.value)


def _handover(change: Change, event: Mapping[str, Any]) -> Found:
    sender = as_dict(event.get("sender"))
    person = change.people.of(
        digits_of(sender.get("phone_number") or sender.get("wa_id") or sender.get("id")), sender.get("user_id")
    )
    control = next((as_dict(event.get(name)) for name in _CONTROLS if as_dict(event.get(name))), event)
    owner = _app(control.get("new_owner_app_id")) or _app(control.get("new_owner"))
    if not person.handles or not owner:
        return Problem("unknown_handover")
    if not change.own_app:  # without it nobody can say whether it is ours
        return Problem("no_app_id")
    at = moment(event.get("timestamp"))
    is_ours = owner == change.own_app
    return Handover(change.channel, change.account, person, is_ours, at, "" if is_ours else owner)


def _app(value: Any) -> str:
    """The id of an app, given as it is or in an object."""
    given = as_dict(value)
    return as_text(given.get("app_id") or given.get("id") if given else value, 64)
