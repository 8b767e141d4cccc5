"""Files: fetched from the platform or uploaded by agents, stored sealed, opened for showing and sending.

A stored file is sealed under its contact's key and bound to its attachment row; its name in the storage says nothing.
It is named for removal before it is stored, until a row holds it: a kill in between leaves no file behind.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, transaction
from django.utils import timezone

from channels_app.contract import (
    CredentialsRefused,
    Media,
    MediaGone,
    OutboundMedia,
    OutboundMessage,
    ProviderError,
    Retryable,
)
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.models import Attachment, Conversation
from conversations.replies import Refused, StoredFile
from omnistra.core import keyring, live, reports
from omnistra.core.ids import time_of, uuid7
from omnistra.core.jobs import wake
from omnistra.core.logs import frames, get_logger
from omnistra.core.sealing import SealedFile, preload, seal_file
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import erasure

log = get_logger(__name__)
LEASE = timedelta(seconds=180)
TRIES = 3  # providers/whatsapp.md 19.5
MEMORY = 1024 * 1024
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (4, b"ftyphei", "image/heic"),  # photos of phones, which only look like films
    (4, b"ftyphev", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypmsf1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"%PDF-", "application/pdf"),
)


def sniff(head: bytes) -> str:
    """The type that the first bytes of a file show, or ""."""
    for offset, magic, mime in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return mime
    return ""


def _fits(kind: str, mime: str) -> bool:
    """Whether a file of this type may be shown as this kind. Documents are only ever downloaded."""
    family = mime.split("/")[0]
    if kind == "document":
        return True
    if kind == "audio" and mime == "video/mp4":  # an M4A with a general brand
        return True
    return family == {"sticker": "image"}.get(kind, kind)


def _place(workspace_id: UUID, attachment_id: UUID) -> bytes:
    return f"{workspace_id}|attachment-file|{attachment_id}".encode()


def _store(workspace_id: UUID, contact_id: UUID, attachment_id: UUID, source: IO[bytes]) -> tuple[str, int]:
    """Seal `source` into the storage; gives the storage key and the plain size in bytes. Whoever records the key keeps
    the file (erasure.keep_files). Raises Retryable where the storage does not take it."""
    name = f"{workspace_id}/{attachment_id.hex[-2:]}/{attachment_id}-{uuid7().hex[-12:]}"
    key = keyring.contact_keys(workspace_id, [contact_id])[contact_id]
    with tempfile.SpooledTemporaryFile(max_size=MEMORY) as sealed:
        size = seal_file(key, _place(workspace_id, attachment_id), source, sealed)  # type: ignore[arg-type]
        sealed.seek(0)
        with workspace_scope(workspace_id), transaction.atomic():
            erasure.announce_file(name)
        try:
            return default_storage.save(name, File(sealed)), size
        except Exception as error:  # storages' libraries raise errors of their own
            log.error("media.not_stored", attachment=attachment_id, trace=frames(error))
            reports.capture(error)
            raise Retryable("The file could not be stored.") from error


@contextmanager
def opened(attachment: Attachment) -> Iterator[SealedFile]:
    """The stored file of an attachment, for reading. Raises FileNotFoundError, SealBroken, KeyMissing."""
    with default_storage.open(attachment.storage_key) as stored:
        size = default_storage.size(attachment.storage_key)
        yield SealedFile(stored, size, _place(attachment.workspace_id, attachment.pk))


@contextmanager
def opened_for_sending(attachment: Attachment) -> Iterator[OutboundMedia]:
    """The plain file as the provider takes it. The plain bytes live in an unnamed temporary file until then."""
    with opened(attachment) as sealed, tempfile.TemporaryFile() as plain:
        for chunk in sealed.chunks():
            plain.write(chunk)
        plain.seek(0)
        mime, name = attachment.detail("mime"), attachment.detail("name")
        yield OutboundMedia(attachment.kind, mime, name, sealed.size, plain, bool(attachment.detail("voice")))


def store_upload(conversation: Conversation, upload: UploadedFile, message_id: UUID) -> StoredFile:
    """Seal and store a member's file before the answer is queued (storage is a network call: outside a transaction).
    Raises Refused, with nothing stored."""
    platform = provider(conversation.channel.provider)
    head = upload.read(16)
    upload.seek(0)
    mime = sniff(head) or upload.content_type or ""
    if not sniff(head) and mime.startswith("image/"):  # pictures are shown: what its sender calls one must be one
        mime = ""
    mime = mime or "application/octet-stream"
    name = (upload.name or "file").replace("\x00", "")[-200:]
    attachment_id = uuid7()
    outbound = OutboundMedia(platform.kind_of(mime), mime, name, upload.size or 0, upload.file)  # type: ignore[arg-type]
    if reason := platform.refuse(OutboundMessage({}, "", media=outbound)):
        raise Refused("not_accepted", reason, "Choose another file.")
    try:
        key, size = _store(conversation.workspace_id, conversation.contact_id, attachment_id, upload.file)  # type: ignore[arg-type]
    except Retryable as error:
        raise Refused("not_stored", error.title, "Try again in a minute.") from error
    return StoredFile(message_id, attachment_id, outbound.kind, mime, name, size, key, outbound)


def wanted(attachment: Attachment) -> Media:
    """The file as the platform told of it."""
    details = attachment.details or {}
    return Media(
        external_id=details.get("external_id", ""), kind=attachment.kind, mime=details.get("mime", ""),
        name=details.get("name", ""), sha256=details.get("sha256", ""), voice=bool(details.get("voice")),
        url=details.get("url", ""),
    )  # fmt: skip


def fetch_due(limit: int = 20) -> int:
    """Fetch the files that wait at the platform; gives how many were tried."""
    now = timezone.now()
    with transaction.atomic(), system_scope("conversations.fetch_media"):
        due = list(
            Attachment.objects.filter(
                state__in=[Attachment.State.PENDING, Attachment.State.FETCHING], next_attempt_at__lte=now
            )
            .select_for_update(skip_locked=True)
            .order_by("next_attempt_at")[:limit]
        )
        for attachment in due:
            attachment.state, attachment.next_attempt_at = Attachment.State.FETCHING, now + LEASE
            attachment.attempts += 1
        Attachment.objects.bulk_update(due, ["state", "next_attempt_at", "attempts"])
        channels = Channel.objects.in_bulk({attachment.channel_id for attachment in due})
        preload([*due, *channels.values()])
    for attachment in due:
        try:
            _fetch(attachment, channels[attachment.channel_id])
        except OperationalError:
            raise
        except Exception as error:  # the others are fetched; this one comes again when its lease ends
            log.error("media.fetch_failed", attachment=attachment.pk, trace=frames(error))
            reports.capture(error)
    return len(due)


def _fetch(attachment: Attachment, channel: Channel) -> None:
    platform = provider(channel.provider)
    if platform.files_kept and timezone.now() - time_of(attachment.pk) > platform.files_kept:
        _record(attachment, Attachment.State.EXPIRED, note=f"Expired at {platform.label}.")
        return
    try:
        with tempfile.SpooledTemporaryFile(max_size=MEMORY) as plain:
            answer = platform.fetch_media(
                channel.external_id,
                channel.credentials or {},
                wanted(attachment),
                plain,  # type: ignore[arg-type]
            )
            claimed = attachment.detail("sha256")
            if claimed and claimed != answer.sha256:
                raise Retryable("The file did not arrive whole.", max_attempts=TRIES)
            plain.seek(0)
            head = plain.read(16)
            plain.seek(0)
            shown = sniff(head)
            mime = shown or answer.mime or attachment.detail("mime")
            if not _fits(attachment.kind, mime) or (attachment.kind in ("image", "sticker") and not shown):
                raise MediaGone("The file is not what it says it is.")
            key, size = _store(attachment.workspace_id, attachment.contact_id, attachment.pk, plain)  # type: ignore[arg-type]
    except CredentialsRefused as error:
        _record(attachment, Attachment.State.FAILED, note=error.title)
    except MediaGone as error:
        _record(attachment, Attachment.State.EXPIRED, note=error.title)
    except ProviderError as error:
        if attachment.attempts < TRIES:
            _record(attachment, Attachment.State.PENDING, wait=timedelta(seconds=5 * 4**attachment.attempts))
        else:
            _record(attachment, Attachment.State.FAILED, note=error.title)
    else:
        # Where the message was erased meanwhile nothing is recorded, and the file stays named for removal.
        _record(attachment, Attachment.State.STORED, storage_key=key, size=size, mime=mime)


def _record(
    attachment: Attachment, state: str, *, note: str = "", wait: timedelta | None = None,
    storage_key: str = "", size: int | None = None, mime: str = "",
) -> None:  # fmt: skip
    """Write the outcome of a fetch, unless the attachment is gone."""
    with workspace_scope(attachment.workspace_id), transaction.atomic():
        row = (
            Attachment.objects.select_for_update(of=("self",))
            .select_related("message")
            .filter(pk=attachment.pk)
            .first()
        )
        if row is None or row.state == Attachment.State.PURGED:
            return
        row.state = state
        row.next_attempt_at = timezone.now() + wait if wait else None
        if storage_key:
            row.storage_key, row.size = storage_key, size
            erasure.keep_files([storage_key])
        row.details = {
            **(row.details or {}),
            "note": note,
            **({"mime": mime} if mime else {}),
        }
        row.save()
        live.publish(row.workspace_id, "message", {row.message.conversation_id: row.channel_id})


def try_again(attachment: Attachment) -> None:
    """An agent asks for another try at a file that could not be fetched."""
    Attachment.objects.filter(pk=attachment.pk, state__in=[Attachment.State.FAILED, Attachment.State.EXPIRED]).update(
        state=Attachment.State.PENDING, attempts=0, next_attempt_at=timezone.now()
    )
    transaction.on_commit(lambda: wake("conversations.fetch_media"))
