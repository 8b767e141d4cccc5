"""What a message holds beside its text, as the thread shows it. All of it was written by others: addresses are shown only
where they are of the web, and nothing is fetched until somebody opens a link."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.models import Message

STORY_LASTS = timedelta(hours=24)


def web(address: Any) -> str:
    """The address, if it is one of the web that leads elsewhere by itself; else ""."""
    text = str(address or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def _of(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def shown(message: Message, content: Mapping[str, Any], platform: str) -> dict[str, Any]:
    """`location`, `cards`, `order`, `fields`, `link`, `story`, `referral`, `tapped`, `forwarded`, `warning` and
    `unsupported` of a message, where there are any. `platform` is the provider's name."""
    unknown = message.type == "unsupported" and not content.get("text")
    return {
        "location": _place(content.get("location")),
        "cards": _rows(content.get("cards")),
        "order": _order(_of(content, "order")),
        "fields": _rows(content.get("fields")),
        "link": _link(_of(content, "link")),
        "story": _story(message, _of(content, "story"), platform),
        "referral": _referral(_of(content, "referral")),
        "tapped": bool(content.get("choice")),
        "forwarded": bool(content.get("forwarded")),
        "warning": str(content.get("warning", "")),
        "unsupported": _unsupported(str(content.get("kind", "")), platform) if unknown else None,
    }


def _place(location: Any) -> dict[str, Any] | None:
    if not location:
        return None
    latitude, longitude = location.get("latitude"), location.get("longitude")
    known = latitude is not None and longitude is not None
    return {
        "name": location.get("name", ""),
        "address": location.get("address", ""),
        "lat": latitude,
        "lon": longitude,
        "map_url": f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}" if known else "",
    }


def _order(order: dict[str, Any]) -> dict[str, Any] | None:
    """Prices stand as they were told: the shop, not the message, knows what something costs."""
    if not order:
        return None
    items = [
        {
            "name": str(item.get("name") or _("Unnamed item")),
            "quantity": str(item.get("quantity") or ""),
            "price": f"{item.get('price') or ''} {item.get('currency') or ''}".strip(),
        }
        for item in _rows(order.get("items"))
    ]
    return {"items": items, "text": str(order.get("text") or "")}


def _link(link: dict[str, Any]) -> dict[str, Any] | None:
    if not link:
        return None
    kinds = {"post": _("Post"), "reel": _("Reel"), "product": _("Product"), "page": _("Page")}
    kind = kinds.get(str(link.get("kind", "")), _("Shared"))
    url = web(link.get("url"))
    return {"title": str(link.get("title") or kind), "place": urlsplit(url).hostname or "", "url": url}


def _story(message: Message, story: dict[str, Any], platform: str) -> dict[str, Any] | None:
    if not story:
        return None
    answered = message.type != "story"
    is_over = timezone.now() - message.provider_at > STORY_LASTS
    return {
        "title": _("Answered your story") if answered else _("Mentioned you in a story"),
        "note": _("The story is over.") if is_over else _("Shown by {platform} alone.").format(platform=platform),
        "url": "" if is_over else web(story.get("url")),
    }


def _referral(referral: dict[str, Any]) -> dict[str, Any] | None:
    if not referral:
        return None
    from_ad = str(referral.get("kind", "")).lower() in ("ad", "ads")
    return {
        "title": _("Came by an ad") if from_ad else _("Came by a link"),
        "headline": str(referral.get("headline") or referral.get("body") or ""),
        "url": web(referral.get("url")),
    }


def _unsupported(kind: str, platform: str) -> dict[str, str]:
    if kind == "media_placeholder":
        return {
            "title": _("A file from before the connection"),
            "note": _("{platform} has not handed it over.").format(platform=platform),
        }
    if kind in ("ephemeral", "view_once"):
        return {
            "title": _("To be seen once"),
            "note": _("Open {platform} on the phone to see it.").format(platform=platform),
        }
    return {
        "title": _("Message not supported"),
        "note": _("{platform} does not hand this kind on. Ask them to send it as text.").format(platform=platform),
    }
