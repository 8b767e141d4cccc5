"""The number is used in the WhatsApp Business app too (10): what is written there, what was said before, whom it knows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from channels_app.contract import AccountEvent, AddressEntry, Echo, Elsewhere, Person, Problem, StatusName
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, moment
from channels_app.providers.whatsapp.payloads import account, contents, messages
from channels_app.providers.whatsapp.payloads.change import Change, Found, elements
from channels_app.providers.whatsapp.payloads.people import OnePerson, digits_of, handles_of, username_of

_DECLINED = 2593109
_STATUSES: Mapping[str, StatusName] = {
    "READ": "read", "PLAYED": "read", "DELIVERED": "delivered", "SENT": "sent", "PENDING": "sent", "ERROR": "failed",
}  # fmt: skip


def echoes(change: Change) -> Iterator[Found]:
    """`smb_message_echoes`: what the company wrote on its phone."""
    yield from elements(change, "message_echoes", read_echo)


def read_echo(change: Change, message: Mapping[str, Any]) -> Found:
    """One message of the company: of its phone, or of another app on the same number (standby)."""
    sent_from: Elsewhere = "app" if change.is_standby else "phone"
    if message.get("group_id"):
        return Problem("group_message")
    at = moment(message.get("timestamp"))
    kind = as_text(message.get("type"), 40)
    if kind == "revoke":
        return messages.unsent(change, message, at)
    person = change.people.of(message.get("to"), message.get("to_user_id"))
    if not person.handles:
        return Problem("echo_without_recipient")
    if kind == "edit":
        return messages.edit(change, message, person, at)
    if kind == "reaction":  # the company's own mark
        return Problem("echo_reaction")
    external_id = as_text(message.get("id"), messages.MAX_ID)
    if not external_id:
        return Problem("message_without_id")
    kept, content, files = _written(kind, message)
    reply_to = messages.add_context(content, as_dict(message.get("context")))
    told = as_text(as_dict(message.get("history_context")).get("status"), 20).upper()
    return Echo(
        change.channel, change.account, external_id, person, kept, at, content, files, reply_to, sent_from,
        reference=as_text(message.get("biz_opaque_callback_data"), 512),
        is_history=change.is_history, status=_STATUSES.get(told, "sent"),
    )  # fmt: skip


def _written(kind: str, message: Mapping[str, Any]) -> contents.Contents:
    """As for people's messages; questions with buttons and templates come from the company alone."""
    if kind == "template":
        text = as_text(as_dict(message.get("template")).get("body"), MAX_TEXT)
        return "template", {"text": text} if text else {}, ()
    if kind == "interactive":
        body = as_dict(as_dict(message.get("interactive")).get("body"))
        if text := as_text(body.get("text"), MAX_TEXT):
            return "text", {"text": text}, ()
    return contents.read(kind, message)


def history(change: Change) -> Iterator[Found]:
    """`history`: chunks of threads in any order, and, later, files under the ids of their placeholders."""
    change = replace(change, is_history=True)
    for chunk in map(as_dict, as_list(change.value.get("history"))):
        yield from elements(change, "errors", _refused, of=chunk)
        for thread in map(as_dict, as_list(chunk.get("threads"))):
            within = replace(change, people=OnePerson(_thread_person(change, thread)))
            yield from elements(within, "messages", _said, of=thread)
    yield from elements(change, "messages", _said)


def _thread_person(change: Change, thread: Mapping[str, Any]) -> Person:
    context = as_dict(thread.get("context"))
    handles = handles_of(context.get("user_id"), context.get("wa_id"), thread.get("id"))
    known = change.people.of(handles.get("wa_id"), handles.get("bsuid")) if handles else Person({})
    handles = {**known.handles, **handles}
    if handles and (username := username_of(context.get("username"))):
        handles["username"] = username
    return Person(handles, known.name)


def _said(change: Change, message: Mapping[str, Any]) -> Found:
    """The company's messages have a recipient, or come from its own number."""
    own = digits_of(as_dict(change.value.get("metadata")).get("display_phone_number"))
    is_own = bool(own) and digits_of(message.get("from")) == own
    if is_own or message.get("to") or message.get("to_user_id"):
        return read_echo(change, message)
    return messages.read(change, message)


def _refused(change: Change, error: Mapping[str, Any]) -> Found:
    if contents.code_of(error) != _DECLINED:
        return account.error(change, error)
    return AccountEvent(change.channel, change.account, "history_declined", change.at, {"code": _DECLINED})


def address_book(change: Change) -> Iterator[Found]:
    """`smb_app_state_sync`."""
    yield from elements(change, "state_sync", _entry)


def _entry(change: Change, entry: Mapping[str, Any]) -> Found:
    contact = as_dict(entry.get("contact"))
    action = entry.get("action")
    if entry.get("type") != "contact" or action not in ("add", "edit", "remove"):
        return Problem("unknown_state")
    handles = handles_of(contact.get("user_id"), digits_of(contact.get("phone_number")))
    if not handles:
        return Problem("state_without_ids")
    if username := username_of(contact.get("username")):
        handles["username"] = username
    name = as_text(contact.get("full_name"), 200).strip() or as_text(contact.get("first_name"), 200).strip()
    at = moment(as_dict(entry.get("metadata")).get("timestamp"))
    return AddressEntry(change.channel, change.account, Person(handles, name), action == "remove", at)
