"""Reading back what was said while no webhook came, by the Conversations API (providers/messenger.md 4 and 9)."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from channels_app.contract import Echo, InboundMessage, Media, Parsed, Person, Problem, Update
from channels_app.providers.meta.events import Dialect
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, web_address

Get = Callable[[str, dict[str, str]], Mapping[str, Any]]
PAGE, PAGES, PAUSE_SECONDS = 50, 40, 0.5  # 2 calls/s (messenger.md 10)
_FIELDS = "id,created_time,from,to,message,attachments{mime_type,name,image_data,video_data,file_url}"


def read(dialect: Dialect, channel: str, node: str, since: datetime, get: Get) -> Parsed:
    """The messages since then of all threads that changed since then; the newest threads come first."""
    updates: list[Update] = []
    problems: list[Problem] = []
    params = {"fields": f"updated_time,messages.limit(20){{{_FIELDS}}}", "limit": str(PAGE)}
    for page in range(PAGES):
        if page:
            time.sleep(PAUSE_SECONDS)
        answer = get(f"{node}/conversations", params)
        threads = [as_dict(each) for each in as_list(answer.get("data"))]
        for thread in threads:
            for message in as_list(as_dict(thread.get("messages")).get("data")):
                found = _message(dialect, channel, as_dict(message), since, {channel, node})
                problems += [each for each in found if isinstance(each, Problem)]
                updates += [each for each in found if not isinstance(each, Problem)]
        after = as_text(as_dict(as_dict(answer.get("paging")).get("cursors")).get("after"), 500)
        changed = [at for thread in threads if (at := _time(thread.get("updated_time")))]
        if not after or not changed or min(changed) < since:
            break
        params["after"] = after
    updates.sort(key=lambda each: each.at or since)
    return Parsed(updates, problems)


def _time(value: Any) -> datetime | None:
    """`2026-11-18T11:06:40+0000`."""
    try:
        return datetime.strptime(as_text(value, 40), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _message(
    dialect: Dialect, channel: str, message: Mapping[str, Any], since: datetime, ours: set[str]
) -> list[Update | Problem]:
    at, external_id = _time(message.get("created_time")), as_text(message.get("id"), 600)
    if not external_id or at is None:
        return [Problem("message_without_id")]
    if at < since:
        return []
    sender = as_text(as_dict(message.get("from")).get("id"), 64)
    receivers = [as_text(as_dict(each).get("id"), 64) for each in as_list(as_dict(message.get("to")).get("data"))]
    is_outgoing = sender in ours
    other = next((each for each in receivers if each not in ours), "") if is_outgoing else sender
    if not other.isascii() or not other.isdigit():
        return [Problem("no_person")]
    files = tuple(_files(message))
    text = as_text(message.get("message"), MAX_TEXT)
    content = {"text": text} if text else {}
    kind = files[0].kind if files else "text" if text else "unsupported"
    account = channel if dialect.has_account else ""
    person = Person({dialect.handle: other})
    if is_outgoing:
        return [Echo(channel, account, external_id, person, kind, at, content, files)]  # type: ignore[arg-type]
    return [InboundMessage(channel, account, external_id, person, kind, at, content, files)]  # type: ignore[arg-type]


def _files(message: Mapping[str, Any]) -> Iterator[Media]:
    for each in map(as_dict, as_list(as_dict(message.get("attachments")).get("data"))):
        mime = as_text(each.get("mime_type"), 120)
        for kind, value in (
            ("image", as_dict(each.get("image_data")).get("url")),
            ("video", as_dict(each.get("video_data")).get("url")),
            ("audio" if mime.startswith("audio/") else "document", each.get("file_url")),
        ):
            if url := web_address(value):
                yield Media("", kind, mime, as_text(each.get("name"), 300) if kind == "document" else "", url=url)
                break
