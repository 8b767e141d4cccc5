"""Reading of untrusted JSON: each function gives a usable value for any input, and never raises."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_TEXT = 65_536  # characters kept of a text; the platforms' own limits are far below
_YEAR_2100 = 4_102_444_800


def envelope(body: bytes, object: str) -> Mapping[str, Any] | str:
    """The JSON of a webhook about an `object`, or in a code word why it is none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return "not_json"
    if not isinstance(payload, dict):
        return "not_an_object"
    return payload if payload.get("object") == object else "unknown_object"


def as_dict(value: Any) -> Mapping[str, Any]:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """An array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any, limit: int = 1024) -> str:
    """A string that PostgreSQL and UTF-8 can hold: no NUL, no lone surrogate. Ids may come as numbers."""
    if type(value) is str and value.isascii() and "\x00" not in value:  # nearly all of them
        return value[:limit]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:limit]
    except ValueError:  # a number of more digits than Python writes out
        return ""


def moment(value: Any) -> datetime | None:
    """The platform's time: seconds as text or number; milliseconds above 10^11; None for what makes no sense."""
    whole = _whole(value)
    seconds = whole // 1000 if whole > 10**11 else whole
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _YEAR_2100 else None


def exact_moment(value: Any) -> datetime | None:
    """The same, with the milliseconds: Messenger and Instagram order by them (providers/messenger.md 3 and 4)."""
    whole = _whole(value)
    milliseconds = whole if whole > 10**11 else whole * 1000
    if not 0 < milliseconds < _YEAR_2100 * 1000:
        return None
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return at.replace(microsecond=milliseconds % 1000 * 1000)


def _whole(value: Any) -> int:
    try:
        return int(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return 0


def web_address(value: Any) -> str:
    """A whole http(s) address, else "": a relative one would lead to a page of ours (providers/instagram.md 5)."""
    text = as_text(value, 4096).strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    holds = parts.scheme in ("http", "https") and bool(parts.netloc) and text.isprintable() and " " not in text
    return text if holds else ""


def name_in(url: str) -> str:
    """The file's name at the end of an address, or ""."""
    last = as_text(unquote(urlsplit(url).path.rpartition("/")[2], errors="replace"), 300)
    return last if "." in last[1:] else ""
