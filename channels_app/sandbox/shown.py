"""How a message reads on the phone: one line for lists and quotes, and templates and choices with what can be tapped."""

import json
import sqlite3
from typing import Any

from . import directory, media, templates, world

JSON = dict[str, Any]
WORDS = {
    "image": "Photo", "video": "Video", "audio": "Audio", "document": "Document", "sticker": "Sticker", "like": "❤️",
    "story_mention": "Mentioned the shop in a story", "story_reply": "Answered a story", "ephemeral": "View-once photo",
    "link": "Link", "post": "Shared post", "unsupported": "Unsupported message",
}  # fmt: skip


def preview(message: sqlite3.Row) -> str:
    """One line for lists and quotes."""
    if message["unsent"]:
        return "Message deleted"
    content, kind = json.loads(message["content"]), message["type"]
    if kind == "location":
        return str(content.get("name") or "Location")
    if kind == "contacts" and isinstance(content, list) and content:
        return str(content[0].get("name", {}).get("formatted_name") or "Contact")
    if kind in ("template", "interactive"):
        return _line(card(message) or {})
    if kind == "button":
        return str(content.get("text", ""))
    if kind == "audio" and content.get("voice"):
        return "Voice message"
    named = content.get("caption") or content.get("body") or content.get("title")
    if kind == "document":
        named = content.get("caption") or content.get("filename")
    return str(named or WORDS.get(kind, "" if kind == "text" else kind))[:140]


def _line(shown: JSON) -> str:
    return str(shown.get("text") or shown.get("header") or "Interactive message")[:140]


def card(message: sqlite3.Row) -> JSON | None:
    """What a template, an interactive message or quick replies show: `header`, `text`, `footer`, `file` (a media id),
    `choices` [{id, title, description, kind, url}], and `opens` (the label of a list). None for anything else."""
    content, kind = json.loads(message["content"]), message["type"]
    if message["unsent"] or not isinstance(content, dict):
        return None
    if kind == "text" and content.get("quick_replies"):
        replies = [each for each in content["quick_replies"] if each["content_type"] == "text"]
        return {"text": content["body"], "choices": [_choice(x["payload"], x["title"], "quick_reply") for x in replies]}
    if kind == "interactive":
        return _interactive(content)
    if kind == "template" and "template_type" in content:
        return _page_template(content)
    if kind == "template":
        return _template(message, content)
    return None


def choice(message: sqlite3.Row, choice_id: str) -> JSON:
    """One thing to tap of a message. KeyError when it isn't there."""
    shown = card(message) or {"choices": []}
    for each in shown["choices"]:
        if each["id"] == choice_id and not each.get("url"):
            return dict(each)
    raise KeyError(choice_id)


def _choice(choice_id: str, title: str, kind: str, description: str = "", url: str = "") -> JSON:
    return {"id": choice_id, "title": title, "kind": kind, "description": description, "url": url}


def _interactive(content: JSON) -> JSON:
    kind, action = content.get("type"), content.get("action") or {}
    if kind in ("button_reply", "list_reply", "nfm_reply"):  # an answer of a person
        answer = content[kind]
        return {"text": answer.get("title") or answer.get("body") or "", "footer": answer.get("description", "")}
    header = content.get("header") or {}
    shown: JSON = {
        "header": header.get("text", ""), "text": (content.get("body") or {}).get("text", ""),
        "footer": (content.get("footer") or {}).get("text", ""), "choices": [],
    }  # fmt: skip
    if held := header.get(str(header.get("type"))):
        shown["file"] = held.get("id", "") if isinstance(held, dict) else ""
    if kind == "button":
        shown["choices"] = [
            _choice(each["reply"]["id"], each["reply"]["title"], "button_reply") for each in action.get("buttons", [])
        ]
    elif kind == "list":
        shown["opens"] = action.get("button", "")
        shown["choices"] = [
            _choice(row["id"], row["title"], "list_reply", row.get("description", ""))
            | {"section": part.get("title", "")}
            for part in action.get("sections", [])
            for row in part.get("rows", [])
        ]
    elif kind == "cta_url":
        given = action.get("parameters") or {}
        shown["choices"] = [_choice("", given.get("display_text", ""), "url", url=given.get("url", ""))]
    return shown


def _page_template(content: JSON) -> JSON:
    """Of Messenger and Instagram; of a generic one the first card."""
    first = content["elements"][0] if content.get("elements") else content
    return {
        "header": first.get("title", ""), "text": content.get("body") or first.get("subtitle", ""),
        "choices": [
            _choice(each.get("payload", ""), each["title"], "postback", url=each.get("url", ""))
            for each in first.get("buttons") or []
        ],
    }  # fmt: skip


def _template(message: sqlite3.Row, content: JSON) -> JSON:
    """A template of WhatsApp, filled in."""
    waba = directory.number(message["number"])["waba_id"]
    found = templates.named(waba, content.get("name", ""), (content.get("language") or {}).get("code", ""))
    if not found:
        return {"text": f"Template {content.get('name', '')}", "choices": []}
    given = {
        (str(each.get("type")).lower(), str(each.get("index", ""))): each.get("parameters") or []
        for each in content.get("components") or []
    }
    shown: JSON = {"choices": []}
    for component in json.loads(found["components"]):
        kind = str(component.get("type")).lower()
        if kind == "buttons":
            shown["choices"] = [
                _template_button(each, given.get(("button", str(place)), []))
                for place, each in enumerate(component.get("buttons") or [])
            ]
        elif component.get("text"):
            name = "text" if kind == "body" else kind
            shown[name] = templates.fill(component["text"], given.get((kind, ""), []))
        elif parameters := given.get((kind, "")):
            held = parameters[0].get(str(parameters[0].get("type")))
            shown["file"] = held.get("id", "") if isinstance(held, dict) else ""
    return shown


def _template_button(button: JSON, parameters: list[JSON]) -> JSON:
    kind, title = str(button.get("type")).upper(), str(button.get("text") or button.get("type"))
    first = parameters[0] if parameters else {}
    if kind == "QUICK_REPLY":
        return _choice(str(first.get("payload") or title), title, "button")
    url = templates.fill(str(button.get("url") or ""), parameters)
    return _choice("", title, "url", url=url or f"tel:{button.get('phone_number', '')}")


def file_kind(media_id: str) -> str:
    """As what a header's file is shown ("": it is gone)."""
    found = world.row("SELECT mime FROM media WHERE id = ?", media_id)
    return media.kind_of(found["mime"]) if found else ""
