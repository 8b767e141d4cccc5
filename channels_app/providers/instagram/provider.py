"""Instagram: the direct messages of a professional account, in both flavours (providers/instagram.md 1).

A, Instagram Login: the channel's id and its account are the Instagram id; credentials hold the account's `token`.
B, Facebook Login: the channel's id is the Instagram id, its account the Page's id; credentials hold the Page's `token` and
`page_id`, which says that it is this flavour.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from channels_app.contract import ChannelFacts, OutboundMessage, Parsed, Permanent
from channels_app.providers.instagram import payloads
from channels_app.providers.instagram.payloads import COMMENT
from channels_app.providers.meta.graph import MB
from channels_app.providers.meta.messaging import PAGE_FIELDS, Door, Limit, MetaMessaging, open_door
from channels_app.providers.meta.reading import as_dict, as_text

MAX_TEXT = 1000  # bytes of UTF-8
FIELDS = (  # of webhooks (2, step 6)
    "messages", "message_edit", "message_reactions", "messaging_postbacks", "messaging_referral", "messaging_seen",
    "messaging_optins", "messaging_handover", "standby",
)  # fmt: skip
_AUDIO = {"audio/aac", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/wav", "audio/x-wav", "audio/vnd.wave"}
_VIDEO = {"video/mp4", "video/ogg", "video/x-msvideo", "video/avi", "video/quicktime", "video/webm"}


class Instagram(MetaMessaging):
    """See contract.Provider."""

    slug = "instagram"
    label = "Instagram"
    platform = "instagram"
    dialect = payloads.DIALECT
    limits = {
        # GIF is taken by flavour A alone; the other one's answer says so.
        "image": Limit(frozenset({"image/jpeg", "image/png", "image/gif"}), 8 * MB, "JPEG and PNG"),
        "video": Limit(frozenset(_VIDEO), 25 * MB, "MP4, OGG, AVI, MOV and WebM"),
        "audio": Limit(frozenset(_AUDIO), 25 * MB, "AAC, M4A, WAV and MP4"),
        "document": Limit(frozenset({"application/pdf"}), 25 * MB, "photos, videos, audio and PDF"),
    }
    marks = {"❤️": "love", "❤": "love"}  # the one that 8 names

    def _secrets(self) -> tuple[str, ...]:
        """Which one signs flavour A is not documented: any that is configured (4, 14)."""
        return (
            settings.META_APP_SECRET, settings.INSTAGRAM_APP_SECRET,
            settings.META_APP_SECRET_PREVIOUS, settings.INSTAGRAM_APP_SECRET_PREVIOUS,
        )  # fmt: skip

    def is_set_up(self) -> bool:
        """See contract.Provider."""
        return bool(settings.META_APP_SECRET or settings.INSTAGRAM_APP_SECRET)

    def _verify_token(self) -> str:
        return settings.INSTAGRAM_VERIFY_TOKEN or settings.META_VERIFY_TOKEN

    def _door(self, external_id: str, credentials: Mapping[str, Any]) -> Door:
        if page := as_text(credentials.get("page_id"), 64):
            return open_door(credentials, settings.META_GRAPH_URL, page)
        return open_door(credentials, settings.INSTAGRAM_GRAPH_URL, external_id)

    def parse(self, body: bytes) -> Parsed:
        """What a webhook body holds."""
        return payloads.parse(body)

    def check(self, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
        """The token is this account's, or that of the Page which the account is linked to (2)."""
        page = "" if account_id in ("", external_id) else account_id
        if page:
            door = self._door(external_id, {**credentials, "page_id": page})
            found = self._get(door, page, fields="instagram_business_account{id,username,name}")
            account = as_dict(found.get("instagram_business_account"))
            if not account:
                raise Permanent(
                    "No Instagram account is linked to this Page. Link it in the Page's settings.", code=100
                )
            known_as = as_text(account.get("id"), 64)
        else:
            door = self._door(external_id, {"token": credentials.get("token", "")})
            account = self._get(door, "me", fields="user_id,username,name,account_type")
            known_as = as_text(account.get("user_id"), 64)
        if known_as != external_id:
            raise Permanent("This token belongs to another Instagram account.", code=100)
        username = as_text(account.get("username"), 63)
        name = as_text(account.get("name"), 120) or username
        kept = {"page_id": page} if page else {}
        return ChannelFacts(name, f"@{username}" if username else "", settings.INSTAGRAM_SEND_RATE, kept)

    def subscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """2, step 6; in flavour B the Page subscribes, by its own names (1)."""
        fields: tuple[str, ...] = PAGE_FIELDS if credentials.get("page_id") else FIELDS
        if settings.INSTAGRAM_COMMENTS and fields is FIELDS:
            fields += ("comments", "live_comments")
        self._subscribe(self._door(account_id, credentials), fields)

    def unsubscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """2, step 8."""
        self._unsubscribe(self._door(account_id, credentials))

    def _recipient(self, message: OutboundMessage) -> dict[str, str]:
        """An answer to a comment is a private reply to it (7)."""
        if message.reply_to.startswith(COMMENT):
            return {"comment_id": message.reply_to.removeprefix(COMMENT)}
        return super()._recipient(message)

    def _metadata(self, message: OutboundMessage) -> dict[str, str]:
        """Instagram's echoes do not dependably bring it back: they are matched by their id (5)."""
        return {}

    def _too_long(self, text: str) -> str:
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_TEXT:
            return (
                f"Instagram takes {MAX_TEXT:,} bytes at most; this has {size:,}. "
                "Accented letters count as two, most emoji as four."
            )
        return ""

    def _profile_fields(self) -> str:
        return "name,username"
