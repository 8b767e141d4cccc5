"""What WhatsApp takes: its limits, and the body of a send for each kind of message (providers/whatsapp.md 11 and 12).

The limits are asked before anything is queued, so that nobody waits for a refusal that was known.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from channels_app.contract import Choice, OutboundChoices, OutboundMessage

MB = 1024 * 1024
MAX_TEXT, MAX_CAPTION = 4096, 1024  # characters
MAX_BUTTONS, MAX_ROWS = 3, 10
_BUTTON_TITLE, _BUTTON_ID, _BUTTONS_TEXT = 20, 256, 1024
_ROW_TITLE, _ROW_DETAIL, _ROW_ID, _SECTION_TITLE = 24, 72, 200, 24
_EDGE = 60  # header and footer
_REACTION = 32  # code points of one emoji with all its modifiers
_DOCUMENTS = {
    "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}  # fmt: skip
# Kind -> accepted types and largest size in bytes (providers/whatsapp.md 12).
LIMITS: dict[str, tuple[set[str], int]] = {
    "audio": ({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}, 16 * MB),
    "document": (_DOCUMENTS, 100 * MB),
    "image": ({"image/jpeg", "image/png"}, 5 * MB),
    "sticker": ({"image/webp"}, 500 * 1024),
    "video": ({"video/mp4", "video/3gpp"}, 16 * MB),
}


def refuse(message: OutboundMessage) -> str:
    """Why WhatsApp would not take this message, or ""."""
    if message.reaction is not None:
        if not is_emoji(message.reaction):
            return "A reaction is one emoji."
        return "" if message.reply_to else "A reaction belongs to a message."
    if message.media is not None and (reason := _media(message)):
        return reason
    if message.template is not None:
        if message.template.category == "authentication" and not message.handles.get("wa_id"):
            return "WhatsApp sends authentication templates to phone numbers only, and this person's is not known."
        return ""
    if message.choices is not None:
        return _choices(message.choices, message.text)
    if message.location is not None:
        return _location(message.location)
    if message.cards:
        named = all(str(card.get("name") or "").strip() for card in message.cards)
        return "" if named else "A contact card needs a name."
    if message.media is None:
        return _length("WhatsApp takes", message.text, MAX_TEXT)
    return ""


def is_emoji(text: str) -> bool:
    """Whether it can be a reaction: one emoji, or nothing, which takes the reaction back."""
    if not text:
        return True
    return len(text) <= _REACTION and not any(each.isalpha() or each.isspace() for each in text) and not text.isascii()


def _length(who: str, text: str, limit: int) -> str:
    if not text.strip():
        return "The message is empty."
    return f"{who} {limit:,} characters at most; this has {len(text):,}." if len(text) > limit else ""


def _media(message: OutboundMessage) -> str:
    media = message.media
    assert media is not None
    types, size = LIMITS[media.kind]
    if media.mime.split(";")[0].strip() not in types:
        return f"WhatsApp does not take this kind of file ({media.mime.split(';')[0] or 'unknown'})."
    if media.size > size:
        most = f"{size // MB} MB" if size >= MB else f"{size // 1024} kB"
        return f"WhatsApp takes {media.kind} files of {most} at most."
    if media.size == 0:
        return "The file is empty."
    if message.template is None and len(message.text) > MAX_CAPTION:
        return f"A caption may have {MAX_CAPTION:,} characters; this has {len(message.text):,}."
    if message.template is None and message.text and media.kind in ("audio", "sticker"):
        return f"WhatsApp shows no caption under {media.kind} files: send the text on its own."
    return ""


def _choices(choices: OutboundChoices, text: str) -> str:
    for name, edge in (("header", choices.header), ("footer", choices.footer)):
        if len(edge) > _EDGE:
            return f"The {name} may have {_EDGE} characters; this has {len(edge)}."
    if choices.sections:
        return _length("Above a list WhatsApp takes", text, MAX_TEXT) or _list(choices)
    return _length("Above buttons WhatsApp takes", text, _BUTTONS_TEXT) or _buttons(choices.buttons)


def _buttons(buttons: Sequence[Choice]) -> str:
    if not 1 <= len(buttons) <= MAX_BUTTONS:
        return f"WhatsApp shows 1 to {MAX_BUTTONS} buttons; these are {len(buttons)}. A list takes {MAX_ROWS}."
    for each in buttons:
        if not each.title.strip() or len(each.title) > _BUTTON_TITLE:
            return f"A button has 1 to {_BUTTON_TITLE} characters; “{each.title[:40]}” has {len(each.title)}."
    return _ids(buttons, _BUTTON_ID) or _distinct(buttons)


def _list(choices: OutboundChoices) -> str:
    rows = [row for _, section in choices.sections for row in section]
    if not choices.button.strip() or len(choices.button) > _BUTTON_TITLE:
        return f"The button that opens the list has 1 to {_BUTTON_TITLE} characters."
    if not 1 <= len(rows) <= MAX_ROWS or len(choices.sections) > MAX_ROWS:
        return f"A list has 1 to {MAX_ROWS} rows; this has {len(rows)}."
    for title, section in choices.sections:
        if len(title) > _SECTION_TITLE or not section or (len(choices.sections) > 1 and not title.strip()):
            return f"Each section needs rows and a title of 1 to {_SECTION_TITLE} characters."
    for row in rows:
        if not row.title.strip() or len(row.title) > _ROW_TITLE:
            return f"A row's title has 1 to {_ROW_TITLE} characters; “{row.title[:40]}” has {len(row.title)}."
        if len(row.description) > _ROW_DETAIL:
            return f"A row's description may have {_ROW_DETAIL} characters; this has {len(row.description)}."
    return _ids(rows, _ROW_ID)


def _ids(choices: Sequence[Choice], limit: int) -> str:
    ids = [each.id for each in choices]
    if len(set(ids)) < len(ids) or not all(0 < len(each) <= limit for each in ids):
        return f"Each choice needs an id of its own, of {limit} characters at most."
    return ""


def _distinct(buttons: Sequence[Choice]) -> str:
    titles = [each.title.strip() for each in buttons]
    return "Each button needs a title of its own." if len(set(titles)) < len(titles) else ""


def _location(place: Mapping[str, Any]) -> str:
    for name, limit in (("latitude", 90), ("longitude", 180)):
        value = place.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not -limit <= value <= limit:
            return f"The {name} is a number from -{limit} to {limit}."
    return ""


def content(message: OutboundMessage, media_id: str) -> dict[str, Any]:
    """`type` and what belongs to it, of the body of a send."""
    if message.reaction is not None:
        return {"type": "reaction", "reaction": {"message_id": message.reply_to, "emoji": message.reaction}}
    if message.template is not None:
        return {"type": "template", "template": _template(message, media_id)}
    if message.choices is not None:
        return {"type": "interactive", "interactive": _interactive(message.choices, message.text)}
    if message.location is not None:
        names = ("latitude", "longitude", "name", "address")
        return {
            "type": "location",
            "location": {name: message.location[name] for name in names if name in message.location},
        }
    if message.cards:
        return {"type": "contacts", "contacts": [_card(card) for card in message.cards]}
    if message.media is not None:
        return _file(message, media_id)
    return {"type": "text", "text": {"preview_url": False, "body": message.text}}


def _file(message: OutboundMessage, media_id: str) -> dict[str, Any]:
    media = message.media
    assert media is not None
    part: dict[str, Any] = {"id": media_id}
    if message.text:
        part["caption"] = message.text
    if media.kind == "document" and media.name:
        part["filename"] = media.name
    if media.voice:
        part["voice"] = True
    return {"type": media.kind, media.kind: part}


def _template(message: OutboundMessage, media_id: str) -> dict[str, Any]:
    template = message.template
    assert template is not None
    components = [dict(each) for each in template.components]
    if media := message.media:
        part: dict[str, Any] = {"id": media_id}
        if media.kind == "document" and media.name:
            part["filename"] = media.name
        components.insert(0, {"type": "header", "parameters": [{"type": media.kind, media.kind: part}]})
    made: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    return made | ({"components": components} if components else {})


def _interactive(choices: OutboundChoices, text: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "list" if choices.sections else "button"}
    if choices.header:
        made["header"] = {"type": "text", "text": choices.header}
    made["body"] = {"text": text}
    if choices.footer:
        made["footer"] = {"text": choices.footer}
    if not choices.sections:
        made["action"] = {
            "buttons": [{"type": "reply", "reply": {"id": each.id, "title": each.title}} for each in choices.buttons]
        }
        return made
    sections = []
    for title, rows in choices.sections:
        section: dict[str, Any] = {"title": title} if title else {}
        section["rows"] = [
            {"id": row.id, "title": row.title} | ({"description": row.description} if row.description else {})
            for row in rows
        ]
        sections.append(section)
    made["action"] = {"button": choices.button, "sections": sections}
    return made


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    name = str(card["name"])
    made: dict[str, Any] = {"name": {"formatted_name": name, "first_name": name.split()[0]}}
    if phones := card.get("phones"):
        made["phones"] = [{"phone": str(each), "type": "WORK"} for each in phones]
    if emails := card.get("emails"):
        made["emails"] = [{"email": str(each), "type": "WORK"} for each in emails]
    if org := card.get("org"):
        made["org"] = {"company": str(org)}
    return made
