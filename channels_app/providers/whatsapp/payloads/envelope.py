"""A body: entries of accounts, changes of fields. The field of a change decides who reads it (providers/whatsapp.md 9)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app.contract import Parsed, Problem, Update
from channels_app.providers.meta.reading import as_dict, as_list, as_text, envelope, moment
from channels_app.providers.whatsapp.payloads import account, coexistence, messages, sharing, statuses
from channels_app.providers.whatsapp.payloads.change import Change, Found, elements
from channels_app.providers.whatsapp.payloads.people import People

Reader = Callable[[Change], Iterator[Found]]


def _messages(change: Change) -> Iterator[Found]:
    yield from elements(change, "messages", messages.read)
    yield from elements(change, "statuses", statuses.read)


# Fields of one number: what they tell belongs to the channel of `metadata`.
_OF_NUMBERS: Mapping[str, Reader] = {
    "messages": _messages,
    "standby": sharing.standby,
    "messaging_handovers": sharing.handovers,
    "smb_message_echoes": coexistence.echoes,
    "history": coexistence.history,
    "smb_app_state_sync": coexistence.address_book,
    "user_preferences": account.preferences,
}
_READERS: Mapping[str, Reader] = {**_OF_NUMBERS, **account.FIELDS}
_SHARING = frozenset({"standby", "messaging_handovers"})
# Nothing in them for an inbox.
_IGNORED = frozenset({
    "calls", "flows", "group_lifecycle_update", "group_participants_update", "group_settings_update",
    "group_status_update", "payment_configuration_update", "partner_solutions", "tracking_events", "automatic_events",
    "business_status_update", "account_settings_update", "message_template_correct_category_detection",
})  # fmt: skip
_FRAME = frozenset({"messaging_product", "metadata", "contacts", "errors"})


def parse(body: bytes, *, own_app: str = "", reads_standby: bool = True, marks_open: bool = False) -> Parsed:
    """What a webhook body holds. `own_app`: the id of our Meta app, by which a handover to us is known; without
    `reads_standby` what other apps' conversations hold stays in the raw event; with `marks_open` a reaction opens the
    reply window."""
    payload = envelope(body, "whatsapp_business_account")
    if isinstance(payload, str):
        return Parsed(problems=[Problem(payload)])
    updates: list[Update] = []
    problems: list[Problem] = []
    for found in _walk(payload, own_app, reads_standby, marks_open):
        if isinstance(found, Problem):
            problems.append(found)
        elif found is not None:
            updates.append(found)
    return Parsed(updates, problems)


def _walk(payload: Mapping[str, Any], own_app: str, reads_standby: bool, marks_open: bool) -> Iterator[Found]:
    for entry in map(as_dict, as_list(payload.get("entry"))):
        for part in map(as_dict, as_list(entry.get("changes"))):
            field = as_text(part.get("field"), 60)
            reader = _READERS.get(field)
            if reader is None:
                if field not in _IGNORED:
                    yield Problem("unknown_field")
                continue
            if field in _SHARING and not reads_standby:
                yield Problem("standby_off")
                continue
            try:
                yield from _read(reader, _change(entry, field, as_dict(part.get("value")), own_app, marks_open))
            except Exception:  # see change.elements
                yield Problem("unreadable")


def _change(entry: Mapping[str, Any], field: str, value: Mapping[str, Any], own_app: str, marks_open: bool) -> Change:
    channel = as_text(as_dict(value.get("metadata")).get("phone_number_id"), 64)
    return Change(
        field,
        as_text(entry.get("id"), 64),
        channel,
        value,
        People(value),
        moment(entry.get("time")),
        own_app,
        marks_open,
    )


def _read(reader: Reader, change: Change) -> Iterator[Found]:
    if change.channel or change.field not in _OF_NUMBERS:
        yield from reader(change)
    elif any(part for name, part in change.value.items() if name not in _FRAME):
        yield Problem("no_phone_number_id")
    yield from elements(change, "errors", account.error)
