"""Parsing of Instagram webhooks (providers/instagram.md 4 to 7)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from channels_app.contract import InboundMessage, Parsed, Person, Problem
from channels_app.providers.meta import events
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, moment

COMMENT = "comment:"  # before a comment's id: an answer to it is a private reply (7, 8)


def _others(channel: str, entry: Mapping[str, Any]) -> events.Found:
    """Comments, which come in `changes` or flat in the entry."""
    flat = [entry] if "field" in entry else []
    for change in map(as_dict, [*as_list(entry.get("changes")), *flat]):
        if change.get("field") in ("comments", "live_comments"):
            if settings.INSTAGRAM_COMMENTS:
                yield from _comment(channel, as_dict(change.get("value")), entry.get("time"))
        else:
            yield Problem("unknown_field")


def _comment(channel: str, value: Mapping[str, Any], time: Any) -> events.Found:
    """A comment under a post of ours. It opens no window: one private reply may answer it, by its id."""
    author = as_dict(value.get("from"))
    person, comment = as_text(author.get("id"), 40), as_text(value.get("id") or value.get("comment_id"), 64)
    if person == channel:  # our own
        return
    if not (person.isascii() and person.isdigit() and comment):
        yield Problem("comment_without_id")
        return
    handles = {"igsid": person}
    if username := as_text(author.get("username"), 80).lstrip("@").strip():
        handles["username"] = username
    media = as_dict(value.get("media"))
    named = {"headline": as_text(media.get("ad_title"), 300), "id": as_text(media.get("id"), 64)}
    origin = {"kind": "comment"} | {name: text for name, text in named.items() if text}
    yield InboundMessage(
        channel, "", COMMENT + comment, Person(handles), "text", moment(time),
        {"text": as_text(value.get("text"), MAX_TEXT), "referral": origin}, opens_window=False,
    )  # fmt: skip


DIALECT = events.Dialect(
    object="instagram", handle="igsid", has_account=False, mark_opens_window=False, link_opens_window=False,
    others=_others,
)  # fmt: skip


def parse(body: bytes) -> Parsed:
    """What a webhook body holds."""
    return events.parse(DIALECT, body)
