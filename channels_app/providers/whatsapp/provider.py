"""WhatsApp Business Platform (Cloud API): the provider (providers/whatsapp.md)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings

from channels_app.contract import (
    ChannelFacts,
    CredentialsRefused,
    Media,
    MediaAnswer,
    MediaGone,
    OutboundMedia,
    OutboundMessage,
    Parsed,
    Permanent,
    ProviderError,
    Retryable,
    Unknown,
)
from channels_app.providers.meta import graph, signing
from channels_app.providers.meta.graph import MAX_INBOUND, MB
from channels_app.providers.whatsapp import blocking, errors, payloads

MAX_TEXT, MAX_CAPTION = 4096, 1024  # characters
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


class WhatsApp:
    """See contract.Provider."""

    slug = "whatsapp"
    label = "WhatsApp"
    reply_window = timedelta(hours=24)
    human_window: timedelta | None = None
    files_kept: timedelta | None = timedelta(days=7)  # 12
    window_opens_by = frozenset({"message"})  # reactions are not counted (20, WA_REACTION_OPENS_WINDOW)

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """providers/whatsapp.md 4.1."""
        return signing.handshake(query, settings.META_VERIFY_TOKEN)

    def is_set_up(self) -> bool:
        """See contract.Provider."""
        return bool(settings.META_APP_SECRET)

    def signature_holds(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """providers/whatsapp.md 4.2: the current app secret, or the previous one while it is rotated."""
        secrets = (settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS)
        return signing.signature_holds(body, headers, secrets)

    def parse(self, body: bytes) -> Parsed:
        return payloads.parse(body, own_app=settings.META_APP_ID, reads_standby=settings.WA_STANDBY_ENABLED)

    def _call(self, method: str, path: str, credentials: Mapping[str, Any], **kwargs: Any) -> Any:
        """One Graph call; gives the JSON of a success. Raises ProviderError."""
        return graph.call(self.label, errors.from_answer, method, path, str(credentials.get("token", "")), **kwargs)

    def check(self, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
        """The number answers to this token, and the account lists the number (3.1 steps 4 and 7)."""
        number = self._call(
            "GET",
            external_id,
            credentials,
            params={"fields": "id,display_phone_number,verified_name,quality_rating,throughput"},
        )
        listed = self._call("GET", f"{account_id}/phone_numbers", credentials, params={"fields": "id", "limit": "200"})
        if external_id not in {str(each.get("id")) for each in listed.get("data", []) if isinstance(each, dict)}:
            raise Permanent("This business account does not hold this phone number id.", code=100)
        throughput = number.get("throughput")
        level = throughput.get("level") if isinstance(throughput, dict) else ""
        return ChannelFacts(
            name=str(number.get("verified_name") or "")[:120],
            address=str(number.get("display_phone_number") or "")[:64],
            messages_per_second=1000 if level == "HIGH" else 80,
        )

    def subscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """3.1 step 5."""
        self._call("POST", f"{account_id}/subscribed_apps", credentials, json={})

    def unsubscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """3.3."""
        self._call("DELETE", f"{account_id}/subscribed_apps", credentials)

    def refuse(self, message: OutboundMessage) -> str:
        """Meta's limits, before anything is queued (11, 12)."""
        media = message.media
        if media is None:
            if not message.text.strip():
                return "The message is empty."
            if len(message.text) > MAX_TEXT:
                return f"WhatsApp takes {MAX_TEXT:,} characters at most; this has {len(message.text):,}."
            return ""
        types, size = LIMITS[media.kind]
        if media.mime.split(";")[0].strip() not in types:
            return f"WhatsApp does not take this kind of file ({media.mime.split(';')[0] or 'unknown'})."
        if media.size > size:
            return f"WhatsApp takes {media.kind} files of {size // MB or 1} MB at most."
        if media.size == 0:
            return "The file is empty."
        if len(message.text) > MAX_CAPTION:
            return f"A caption may have {MAX_CAPTION:,} characters."
        if message.text and media.kind in ("audio", "sticker"):
            return f"WhatsApp shows no caption under {media.kind} files: send the text on its own."
        return ""

    def kind_of(self, mime: str) -> str:
        """The kind under which a file of this type is sent."""
        plain = mime.split(";")[0].strip()
        return next((kind for kind in ("image", "video", "audio", "sticker") if plain in LIMITS[kind][0]), "document")

    def send(self, external_id: str, credentials: Mapping[str, Any], message: OutboundMessage) -> str:
        """11. There is no idempotency key: an unclear outcome is Unknown, never a second try."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
        if number := message.handles.get("wa_id"):
            body["to"] = f"+{number}"
        elif person := message.handles.get("bsuid"):
            body["recipient"] = person
        else:
            raise Permanent("This contact has no WhatsApp address.")
        if message.reply_to:
            body["context"] = {"message_id": message.reply_to}
        body["biz_opaque_callback_data"] = message.reference
        if media := message.media:
            body["type"] = media.kind
            body[media.kind] = {"id": self._upload(external_id, credentials, media)}
            if message.text:
                body[media.kind]["caption"] = message.text
            if media.kind == "document" and media.name:
                body["document"]["filename"] = media.name
            if media.voice:
                body["audio"]["voice"] = True
        else:
            body |= {"type": "text", "text": {"preview_url": False, "body": message.text}}
        answer = self._call("POST", f"{external_id}/messages", credentials, json=body)
        messages = answer.get("messages")
        first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
        if not first.get("id"):
            raise Unknown("WhatsApp's answer could not be read.")
        return str(first["id"])

    def _upload(self, external_id: str, credentials: Mapping[str, Any], media: OutboundMedia) -> str:
        """12. An unclear upload may be repeated: it shows nothing to anyone."""
        fields = {"messaging_product": "whatsapp", "type": media.mime}
        try:
            answer = self._call(
                "POST", f"{external_id}/media", credentials, data=fields,
                files={"file": (media.name or "file", media.file, media.mime)}, read_seconds=60.0,
            )  # fmt: skip
        except Unknown as error:
            raise Retryable("The file could not be handed to WhatsApp.") from error
        return str(answer.get("id", ""))

    def fetch_media(
        self, external_id: str, credentials: Mapping[str, Any], media: Media, target: IO[bytes]
    ) -> MediaAnswer:
        """12: look up, then download from a listed host with the same token, no redirects, size capped."""
        try:
            facts = self._call("GET", media.external_id, credentials, params={"phone_number_id": external_id})
        except Unknown as error:
            raise Retryable(error.title) from error
        except Permanent as error:
            raise MediaGone("WhatsApp no longer holds this file.", code=error.code) from error
        url, size = str(facts.get("url", "")), facts.get("file_size")
        if isinstance(size, int) and size > MAX_INBOUND:
            raise MediaGone("The file is larger than 100 MB.")

        def judge(status: int) -> None:
            if status == 401 and urlsplit(url).netloc == urlsplit(settings.META_GRAPH_URL).netloc:
                raise CredentialsRefused("The access token is not valid any more.", code=190)
            raise Retryable("The file's address has expired.")

        token = str(credentials.get("token", ""))
        answer = graph.download(self.label, url, target, purpose="meta", judge=judge, token=token)
        claimed = payloads.sha256_hex(facts.get("sha256"))
        if claimed and claimed != answer.sha256:
            raise Retryable("The file did not arrive whole.", max_attempts=3)
        return replace(answer, mime=str(facts.get("mime_type", ""))[:120])

    def words(self, code: int | None) -> str:
        """An error code of a status, in the agent's words."""
        return errors.words(code)

    def error_of(self, code: int, detail: str = "") -> ProviderError:
        """See contract.Classifies."""
        return errors.error_of(code, detail)

    def set_blocked(
        self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], blocked: bool
    ) -> None:
        """See contract.Blocks (16)."""
        blocking.set_blocked(external_id, credentials, handles, blocked)
