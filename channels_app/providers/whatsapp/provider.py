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
from channels_app.providers.meta.graph import MAX_INBOUND
from channels_app.providers.whatsapp import blocking, errors, outgoing, payloads, templates
from channels_app.providers.whatsapp.outgoing import LIMITS
from channels_app.templates.contract import Placed, TemplateDraft, TemplateFacts


class WhatsApp:
    """See contract.Provider."""

    slug = "whatsapp"
    label = "WhatsApp"
    reply_window = timedelta(hours=24)
    human_window: timedelta | None = None
    files_kept: timedelta | None = timedelta(days=7)  # 12

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
        return payloads.parse(
            body, own_app=settings.META_APP_ID, reads_standby=settings.WA_STANDBY_ENABLED,
            marks_open=settings.WA_REACTION_OPENS_WINDOW,
        )  # fmt: skip

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
        return outgoing.refuse(message)

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
        if reason := outgoing.refuse(message):
            raise Permanent(reason)
        if message.reply_to and message.reaction is None:
            body["context"] = {"message_id": message.reply_to}
        body["biz_opaque_callback_data"] = message.reference
        media_id = self._upload(external_id, credentials, message.media) if message.media else ""
        body |= outgoing.content(message, media_id)
        answer = self._call("POST", f"{external_id}/messages", credentials, json=body)
        messages = answer.get("messages")
        first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
        if not first.get("id"):
            raise Unknown("WhatsApp's answer could not be read.")
        return str(first["id"])

    def mark_read(
        self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], message_id: str,
        *, is_typing: bool = False,
    ) -> None:  # fmt: skip
        """11: one call for both; there is no typing without reading."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        if is_typing:
            body["typing_indicator"] = {"type": "text"}
        self._call("POST", f"{external_id}/messages", credentials, json=body)

    def list_templates(self, account_id: str, credentials: Mapping[str, Any]) -> list[TemplateFacts]:
        """See templates.contract.KeepsTemplates (13)."""
        return templates.listing(self._call, account_id, credentials)

    def create_template(self, account_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> Placed:
        """See templates.contract.KeepsTemplates (13)."""
        return templates.create(self._call, account_id, credentials, draft)

    def edit_template(self, external_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> None:
        """See templates.contract.KeepsTemplates (13)."""
        templates.edit(self._call, external_id, credentials, draft)

    def delete_template(self, account_id: str, credentials: Mapping[str, Any], external_id: str, name: str) -> None:
        """See templates.contract.KeepsTemplates (13)."""
        templates.delete(self._call, account_id, credentials, external_id, name)

    def contradicts_template(self, code: int) -> bool:
        """See templates.contract.KeepsTemplates (15)."""
        return code in templates.CONTRADICTING

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
