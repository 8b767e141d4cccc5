"""What a message of Messenger or Instagram holds: text, files, links, stories (providers/messenger.md 5, instagram.md 5).

1. A story, a shared post or a reel is a link and never a file: the platform forbids us a copy (instagram.md 5).
2. What we do not know is `unsupported`, said neutrally; its neighbours in the same message stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels_app.contract import Media, MessageType
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, name_in, web_address

_FILES = {"image": "image", "video": "video", "audio": "audio", "file": "document", "sticker": "sticker"}
_LINKS = {
    "fallback": "link", "share": "post", "post": "post", "ig_post": "post", "media": "post", "media_share": "post",
    "reel": "reel", "ig_reel": "reel", "story": "story", "ig_story": "story", "template": "card",
}  # fmt: skip
_BOOKING = {"status": "Booking", "start_time": "Begins", "end_time": "Ends", "timezone": "Time zone"}
_MORE = "A part of this message can only be seen in the app."


@dataclass(slots=True)
class Contents:
    """A message while its attachments are read."""

    content: dict[str, Any] = field(default_factory=dict)
    files: list[Media] = field(default_factory=list)
    stickers: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    is_template: bool = False

    def type(self, *, is_ours: bool) -> MessageType:
        """The kind under which all of it is shown."""
        text = self.content.get("text")
        if self.files:
            return self.files[0].kind  # type: ignore[return-value]
        if self.is_template and is_ours:
            return "template"
        if self.content.get("story", {}).get("kind") == "mention":
            return "story"
        if "location" in self.content:
            return "location"
        if "fields" in self.content:
            return "form"
        if "link" in self.content and not (text and self.content["link"]["kind"] == "link"):
            return "link"
        return "text" if text else "unsupported"


def read(message: Mapping[str, Any], *, is_ours: bool = False) -> tuple[MessageType, dict[str, Any], tuple[Media, ...]]:
    """Type, content and files."""
    found = Contents()
    if text := as_text(message.get("text"), MAX_TEXT):
        found.content["text"] = text
    for attachment in map(as_dict, as_list(message.get("attachments"))):
        _attachment(found, attachment)
    if reply := as_dict(message.get("quick_reply")):
        found.content["choice"] = {
            "id": as_text(reply.get("payload"), 1000), "title": text[:200], "kind": "quick_reply",
        }  # fmt: skip
    story = as_dict(as_dict(message.get("reply_to")).get("story"))
    if story and "story" not in found.content:
        found.content["story"] = {"url": web_address(story.get("url")), "kind": "reply"}
    if origin := referral(message.get("referral")):
        found.content["referral"] = origin
    if message.get("is_unsupported") is True:
        found.unknown.append("unsupported")
    kind = found.type(is_ours=is_ours)
    if kind == "unsupported":
        found.content["kind"] = found.unknown[0] if found.unknown else "empty"
    elif found.unknown:
        found.content["warning"] = _MORE
    return kind, found.content, tuple(found.files)


def _attachment(found: Contents, attachment: Mapping[str, Any]) -> None:
    kind = as_text(attachment.get("type"), 40).lower()
    payload = as_dict(attachment.get("payload"))
    sticker = as_text(payload.get("sticker_id"), 40)
    if kind in _FILES:
        _file(found, "sticker" if sticker else _FILES[kind], payload, sticker)
    elif kind == "story_mention":
        found.content["story"] = {"url": web_address(payload.get("url")), "kind": "mention"}
    elif kind in _LINKS:
        _link(found, kind, attachment, payload)
    elif kind == "like_heart":
        found.content.setdefault("text", "❤️")
    elif kind == "location":
        _location(found, payload)
    elif kind == "appointment_booking":
        found.content["fields"] = [
            {"label": label, "value": value}
            for name, label in _BOOKING.items()
            if (value := as_text(payload.get(name), 200))
        ]
    else:
        found.unknown.append(kind or "empty")


def _file(found: Contents, kind: str, payload: Mapping[str, Any], sticker: str) -> None:
    """A file at its address. While the platform changed over, a sticker came as `sticker` and as `image` at once."""
    if sticker and sticker in found.stickers:
        return
    url = web_address(payload.get("url"))
    if not url:  # of ads and private accounts the platform gives no address
        found.unknown.append(kind)
        return
    found.stickers.add(sticker)
    found.files.append(Media(external_id="", kind=kind, name=name_in(url) if kind == "document" else "", url=url))


def _link(found: Contents, kind: str, attachment: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    card = _card(payload)
    title = as_text(payload.get("title") or attachment.get("title") or card.get("title"), 500)
    url = web_address(payload.get("url") or attachment.get("url") or card.get("item_url"))
    if kind == "template":
        found.is_template = True
        words = (as_text(payload.get("text"), MAX_TEXT), title, as_text(card.get("subtitle"), 500))
        if text := "\n".join(filter(None, words)):
            found.content.setdefault("text", text)
    if kind == "fallback" and not (url or title):
        found.unknown.append("fallback")
    elif "link" in found.content:
        found.unknown.append(kind)
    else:
        found.content["link"] = {"url": url, "title": title, "kind": _LINKS[kind]}


def _card(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first card of a template, which stands at one of two places."""
    generic = as_dict(payload.get("generic"))
    return as_dict(next(iter(as_list(generic.get("elements")) or as_list(payload.get("elements"))), None))


def _location(found: Contents, payload: Mapping[str, Any]) -> None:
    where = as_dict(payload.get("coordinates"))
    place: dict[str, Any] = {}
    for name, key, limit in (("latitude", "lat", 90.0), ("longitude", "long", 180.0)):
        number = where.get(key)
        if isinstance(number, int | float) and not isinstance(number, bool) and -limit <= number <= limit:
            place[name] = float(number)
    if len(place) == 2:
        found.content["location"] = place
    else:
        found.unknown.append("location")


def referral(value: Any) -> dict[str, Any]:
    """The ad, link or product that led a person here, as in contract.InboundMessage; {} for none."""
    given = as_dict(value)
    if not given:
        return {}
    ad, product = as_dict(given.get("ads_context_data")), as_dict(given.get("product"))
    ad_id, source = as_text(given.get("ad_id"), 64), as_text(given.get("source"), 40)
    kind = "ad" if ad_id or ad or source == "ADS" else "product" if product else "link"
    named = {
        "headline": as_text(ad.get("ad_title"), 300),
        "id": ad_id or as_text(product.get("id") or ad.get("product_id"), 200),
        "ref": as_text(given.get("ref"), 300),
        "url": web_address(given.get("referer_uri")),
    }
    return {"kind": kind} | {name: text for name, text in named.items() if text}
