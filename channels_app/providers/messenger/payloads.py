"""Parsing of Messenger webhooks (providers/messenger.md 3, 5 and 6)."""

from collections.abc import Mapping
from typing import Any

from channels_app.contract import Parsed, Problem
from channels_app.providers.meta import events
from channels_app.providers.meta.reading import as_list


def _others(channel: str, entry: Mapping[str, Any]) -> events.Found:
    """What happens on the Page's feed is no conversation."""
    for _ in as_list(entry.get("changes")):
        yield Problem("unknown_field")


DIALECT = events.Dialect(
    object="page", handle="psid", has_account=True, mark_opens_window=True, link_opens_window=True,
    others=_others,
)  # fmt: skip


def parse(body: bytes) -> Parsed:
    """What a webhook body holds."""
    return events.parse(DIALECT, body)
