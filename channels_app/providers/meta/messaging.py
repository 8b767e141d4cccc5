"""What Messenger and Instagram do alike: calls, limits, sending, files, profiles, what was missed (providers/messenger.md 7
to 9, instagram.md 8 to 10). Each platform's class says what differs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any

from django.conf import settings

from channels_app.contract import (
    Media,
    MediaAnswer,
    MediaGone,
    OutboundChoices,
    OutboundMedia,
    OutboundMessage,
    Parsed,
    Permanent,
    Person,
    ProviderError,
    Retryable,
    Unknown,
)
from channels_app.providers.meta import errors, graph, history, signing
from channels_app.providers.meta.events import Dialect
from channels_app.providers.meta.graph import MB
from channels_app.providers.meta.reading import as_text

PAGE_FIELDS = (  # of webhooks (messenger.md 2)
    "messages", "message_echoes", "message_deliveries", "message_reads", "message_reactions", "message_edits",
    "messaging_postbacks", "messaging_referrals", "messaging_optins", "messaging_handovers", "standby",
    "messaging_policy_enforcement", "response_feedback", "send_cart",
)  # fmt: skip
HUMAN_AGENT = "HUMAN_AGENT"  # the one tag that is left: the others ended on 27 April 2026 (messenger.md 8)
MAX_CHOICES, MAX_CHOICE_TITLE, MAX_CHOICE_ID = 13, 20, 1000
_PHOTOS_OF_PHONES = {"image/heic", "image/heif", "image/avif"}
_KINDS = {"image": "image", "video": "video", "audio": "audio", "document": "file"}  # ours -> the platform's


@dataclass(frozen=True, slots=True)
class Limit:
    """What is taken of one kind of file: types (a type may end in `/*`), the largest size in bytes, words for the types."""

    types: frozenset[str]
    size: int
    words: str

    def takes(self, mime: str) -> bool:
        """Whether a file of this type goes out under this kind."""
        return mime in self.types or f"{mime.partition('/')[0]}/*" in self.types or "*/*" in self.types


@dataclass(frozen=True, slots=True)
class Door:
    """Where the calls of a channel go: the API's address and the object that sends."""

    base: str
    node: str
    token: str = field(repr=False)


class MetaMessaging:
    """See contract.Provider, and contract.HasProfiles, HasHistory, ReadsBack."""

    slug: str
    label: str
    platform: str  # as the Graph API names it
    dialect: Dialect
    limits: Mapping[str, Limit]
    marks: Mapping[str, str]  # emoji -> the platform's name of a reaction that can be sent
    reply_window = timedelta(hours=24)
    human_window: timedelta | None = timedelta(days=7)
    files_kept: timedelta | None = None

    def _secrets(self) -> tuple[str, ...]:
        """The app secrets that may sign: those in force first."""
        raise NotImplementedError

    def _verify_token(self) -> str:
        raise NotImplementedError

    def _door(self, external_id: str, credentials: Mapping[str, Any]) -> Door:
        raise NotImplementedError

    def _too_long(self, text: str) -> str:
        raise NotImplementedError

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """providers/whatsapp.md 4.1."""
        return signing.handshake(query, self._verify_token())

    def is_set_up(self) -> bool:
        """See contract.Provider."""
        return any(self._secrets())

    def signature_holds(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """providers/whatsapp.md 4.2."""
        return signing.signature_holds(body, headers, self._secrets())

    def _error(self, status: int, answer: Any) -> ProviderError:
        return errors.from_answer(self.label, status, answer)

    def _post(self, door: Door, edge: str, **kwargs: Any) -> dict[str, Any]:
        path = f"{door.node}/{edge}"
        return graph.call(self.label, self._error, "POST", path, door.token, base=door.base, **kwargs)

    def _get(self, door: Door, path: str, **params: str) -> dict[str, Any]:
        return graph.ask(self.label, self._error, path, door.token, base=door.base, params=params)

    def _subscribe(self, door: Door, fields: Sequence[str]) -> None:
        self._post(door, "subscribed_apps", params={"subscribed_fields": ",".join(fields)})

    def _unsubscribe(self, door: Door) -> None:
        path = f"{door.node}/subscribed_apps"
        graph.call(self.label, self._error, "DELETE", path, door.token, base=door.base)

    def kind_of(self, mime: str) -> str:
        """The kind under which a file of this type is sent. A phone's own format stays a photo: it is refused as one."""
        plain = mime.split(";")[0].strip()
        if plain in _PHOTOS_OF_PHONES:
            return "image"
        return next((kind for kind in ("image", "video", "audio") if self.limits[kind].takes(plain)), "document")

    def refuse(self, message: OutboundMessage) -> str:
        """Meta's limits, before anything is queued (messenger.md 7, instagram.md 8)."""
        if message.tag not in ("", HUMAN_AGENT):
            return (
                f"Meta ended the tag {message.tag[:40]}. Only {HUMAN_AGENT} is left, for answers written by a person."
            )
        if message.template is not None:
            return f"{self.label} has no templates of this kind."
        if message.location is not None:
            return f"{self.label} takes no places: send the address as text."
        if message.cards:
            return f"{self.label} takes no contact cards: send the details as text."
        if message.reaction is not None:
            return self._refuse_reaction(message)
        if message.media is not None:
            return self._refuse_media(message, message.media)
        if not message.text.strip():
            return "The message is empty."
        return self._too_long(message.text) or (self._refuse_choices(message.choices) if message.choices else "")

    def _refuse_reaction(self, message: OutboundMessage) -> str:
        if not message.reply_to:
            return "A reaction belongs to a message."
        if message.reaction and message.reaction not in self.marks:
            return f"{self.label} takes these reactions only: {' '.join(dict.fromkeys(self.marks))}"
        return ""

    def _refuse_media(self, message: OutboundMessage, media: OutboundMedia) -> str:
        plain = media.mime.split(";")[0].strip()
        if plain in _PHOTOS_OF_PHONES:
            return f"{self.label} takes no HEIC photos. Save the photo as JPEG and attach it again."
        limit = self.limits.get(media.kind)
        if limit is None or not limit.takes(plain):
            wanted = (limit or self.limits["document"]).words
            return f"{self.label} does not take this kind of file ({plain or 'unknown'}). It takes {wanted}."
        if media.size == 0:
            return "The file is empty."
        if media.size > limit.size:
            return f"{self.label} takes {media.kind} files of {limit.size // MB} MB at most."
        if message.text or message.choices:
            return f"{self.label} shows no text under files: send the text on its own."
        return ""

    def _refuse_choices(self, choices: OutboundChoices) -> str:
        if choices.sections or choices.header or choices.footer:
            return f"{self.label} has buttons, and no lists, headers or footers."
        if not 1 <= len(choices.buttons) <= MAX_CHOICES:
            return f"{self.label} takes 1 to {MAX_CHOICES} buttons."
        for each in choices.buttons:
            if not each.title.strip() or len(each.title) > MAX_CHOICE_TITLE:
                return f"A button's title has 1 to {MAX_CHOICE_TITLE} characters: “{each.title[:40]}”."
            if not each.id or len(each.id) > MAX_CHOICE_ID:
                return f"A button's id has 1 to {MAX_CHOICE_ID:,} characters."
        return ""

    def _recipient(self, message: OutboundMessage) -> dict[str, str]:
        if person := message.handles.get(self.dialect.handle):
            return {"id": person}
        raise Permanent(f"This contact has no {self.label} address.")

    def _metadata(self, message: OutboundMessage) -> dict[str, str]:
        """What comes back in the echo, where it dependably does."""
        return {"metadata": message.reference}

    def send(self, external_id: str, credentials: Mapping[str, Any], message: OutboundMessage) -> str:
        """messenger.md 7. There is no idempotency key: an unclear outcome is Unknown, never a second try."""
        if reason := self.refuse(message):
            raise Permanent(reason)
        door, recipient = self._door(external_id, credentials), self._recipient(message)
        if message.reaction is not None:
            return self._react(door, recipient, message)
        body: dict[str, Any] = {"recipient": recipient, "messaging_type": "RESPONSE"}
        if message.tag:
            body |= {"messaging_type": "MESSAGE_TAG", "tag": message.tag}
        if message.reply_to and "id" in recipient:
            body["reply_to"] = {"mid": message.reply_to}
        content = self._metadata(message)
        if media := message.media:
            held = self._upload(door, media)
            attachment = {"type": _KINDS[media.kind], "payload": {"attachment_id": held}}
            body["message"] = {"attachment": attachment, **content}
        else:
            body["message"] = {"text": message.text, **content}
            if message.choices:
                body["message"]["quick_replies"] = [
                    {"content_type": "text", "title": each.title, "payload": each.id}
                    for each in message.choices.buttons
                ]
        answer = self._post(door, "messages", json=body)
        external = as_text(answer.get("message_id"), 600)
        if not external:
            raise Unknown(f"{self.label}'s answer could not be read.")
        return external

    def _react(self, door: Door, recipient: Mapping[str, str], message: OutboundMessage) -> str:
        """A mark has no id of its own at the platform: ours stands for it."""
        payload = {"message_id": message.reply_to}
        if message.reaction:
            payload["reaction"] = self.marks[message.reaction]
        self._action(door, recipient, "react" if message.reaction else "unreact", payload=payload)
        return f"reaction:{message.reference}"

    def _action(self, door: Door, recipient: Mapping[str, str], action: str, **more: Any) -> None:
        self._post(door, "messages", json={"recipient": dict(recipient), "sender_action": action, **more})

    def _upload(self, door: Door, media: OutboundMedia) -> str:
        """The file at Meta, used at once (ids end after 90 days). An unclear upload may be repeated: it shows nothing to
        anyone."""
        attachment = {"type": _KINDS[media.kind], "payload": {"is_reusable": True}}
        fields = {"platform": self.platform, "message": json.dumps({"attachment": attachment})}
        try:
            answer = self._post(
                door, "message_attachments", data=fields,
                files={"filedata": (media.name or "file", media.file, media.mime)}, read_seconds=90.0,
            )  # fmt: skip
        except Unknown as error:
            raise Retryable(f"The file could not be handed to {self.label}.") from error
        if not (held := as_text(answer.get("attachment_id"), 64)):
            raise Retryable(f"{self.label} gave no id for the file.")
        return held

    def fetch_media(
        self, external_id: str, credentials: Mapping[str, Any], media: Media, target: IO[bytes]
    ) -> MediaAnswer:
        """From the address in the webhook, which needs no token and gets none (messenger.md 5)."""
        if not media.url:
            raise MediaGone(f"{self.label} gave no address for the file.")
        return graph.download(self.label, media.url, target, purpose="meta_files", judge=graph.judge_address)

    def mark_read(
        self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], message_id: str,
        *, is_typing: bool = False,
    ) -> None:  # fmt: skip
        """The platform marks the whole thread; typing shows for about 20 seconds."""
        door, recipient = self._door(external_id, credentials), self._recipient(OutboundMessage(handles, ""))
        try:
            self._action(door, recipient, "mark_seen")
            if is_typing:
                self._action(door, recipient, "typing_on")
        except Unknown as error:  # to be shown twice harms nobody
            raise Retryable(error.title) from error

    def _profile_fields(self) -> str:
        raise NotImplementedError

    def profile(self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str]) -> Person:
        """Name and user name alone (messenger.md 9, instagram.md 10). Without the feature the answer is empty."""
        person = self._recipient(OutboundMessage(handles, ""))["id"]
        found = self._get(self._door(external_id, credentials), person, fields=self._profile_fields())
        parts = " ".join(filter(None, (as_text(found.get(name), 100) for name in ("first_name", "last_name"))))
        known = {self.dialect.handle: person}
        if username := as_text(found.get("username"), 80).lstrip("@").strip():
            known["username"] = username
        return Person(known, (as_text(found.get("name"), 200) or parts).strip())

    def history_since(self, external_id: str, credentials: Mapping[str, Any], since: datetime) -> Parsed:
        """See contract.HasHistory (messenger.md 4 and 9)."""
        door = self._door(external_id, credentials)

        def get(path: str, params: dict[str, str]) -> dict[str, Any]:
            return self._get(door, path, **params, platform=self.platform)

        return history.read(self.dialect, external_id, door.node, since, get)

    def parse(self, body: bytes) -> Parsed:
        """What a webhook body holds."""
        raise NotImplementedError

    def words(self, code: int | None) -> str:
        """An error code, in the agent's words."""
        return errors.words(self.label, code)


def open_door(credentials: Mapping[str, Any], base: str, node: str) -> Door:
    """The door of a channel with its token."""
    return Door(base or settings.META_GRAPH_URL, node, str(credentials.get("token", "")))
