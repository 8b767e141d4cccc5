"""Messenger: the conversations of a Facebook Page (providers/messenger.md).

The channel's id and its account are both the Page's id; credentials hold the Page's `token`.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from channels_app.contract import ChannelFacts, Parsed, Permanent
from channels_app.providers.messenger import payloads
from channels_app.providers.meta.graph import MB
from channels_app.providers.meta.messaging import PAGE_FIELDS, Door, Limit, MetaMessaging, open_door
from channels_app.providers.meta.reading import as_text

MAX_TEXT = 2000  # characters
_ANY = frozenset({"*/*"})


class Messenger(MetaMessaging):
    """See contract.Provider."""

    slug = "messenger"
    label = "Messenger"
    platform = "messenger"
    dialect = payloads.DIALECT
    limits = {
        "image": Limit(frozenset({"image/jpeg", "image/png", "image/gif"}), 8 * MB, "JPEG, PNG and GIF"),
        "video": Limit(frozenset({"video/*"}), 25 * MB, "videos"),
        "audio": Limit(frozenset({"audio/*"}), 25 * MB, "audio files"),
        "document": Limit(_ANY, 25 * MB, "photos, videos, audio and files"),
    }
    marks = {
        "❤️": "love", "❤": "love", "😆": "smile", "😮": "wow", "😢": "sad", "😠": "angry", "👍": "like", "👎": "dislike",
    }  # fmt: skip

    def _secrets(self) -> tuple[str, ...]:
        return (settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS)

    def is_set_up(self) -> bool:
        """See contract.Provider."""
        return bool(settings.META_APP_SECRET)

    def _verify_token(self) -> str:
        return settings.META_VERIFY_TOKEN

    def _door(self, external_id: str, credentials: Mapping[str, Any]) -> Door:
        return open_door(credentials, settings.META_GRAPH_URL, external_id)

    def parse(self, body: bytes) -> Parsed:
        """What a webhook body holds."""
        return payloads.parse(body)

    def check(self, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
        """The token is this Page's: `me` is whose token it is (2)."""
        page = self._get(self._door("me", credentials), "me", fields="id,name,username")
        if as_text(page.get("id"), 64) != external_id or account_id not in ("", external_id):
            raise Permanent("This token belongs to another Page, or to a person.", code=100)
        username = as_text(page.get("username"), 63)
        return ChannelFacts(as_text(page.get("name"), 120), f"@{username}" if username else "", messages_per_second=300)

    def subscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """2, step 6."""
        self._subscribe(self._door(account_id, credentials), PAGE_FIELDS)

    def unsubscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """2."""
        self._unsubscribe(self._door(account_id, credentials))

    def _too_long(self, text: str) -> str:
        if len(text) > MAX_TEXT:
            return f"Messenger takes {MAX_TEXT:,} characters at most; this has {len(text):,}."
        return ""

    def _profile_fields(self) -> str:
        return "first_name,last_name,name"
