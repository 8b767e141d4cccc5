"""Files at Meta: uploads of the business and what people send, under ids that expire (facts 12)."""

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings

from . import world
from .errors import GraphError

MB = 1024 * 1024
DAY = 24 * 3600.0
FROM_PEOPLE = 7 * DAY  # seconds that the id of a received file is valid
UPLOADED = 30 * DAY  # seconds that the id of an upload is valid
LINK = 300  # seconds that a download address is valid
CDN = DAY  # seconds that an address of Messenger's and Instagram's files is valid
LIMITS: dict[str, tuple[frozenset[str], int]] = {
    "audio": (frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}), 16 * MB),
    "document": (
        frozenset(
            {
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.ms-excel",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            }
        ),
        100 * MB,
    ),
    "image": (frozenset({"image/jpeg", "image/png"}), 5 * MB),
    "sticker": (frozenset({"image/webp"}), 500 * 1024),
    "video": (frozenset({"video/mp4", "video/3gpp"}), 16 * MB),
}
KINDS = tuple(LIMITS)


def plain(mime: str) -> str:
    """A MIME type without its parameters."""
    return mime.split(";")[0].strip().lower()


def kind_of(mime: str) -> str:
    """As what a phone sends a file of this type."""
    for kind in ("image", "video", "audio", "sticker"):
        if plain(mime) in LIMITS[kind][0]:
            return kind
    return "document"


def check_upload(mime: str, size: int) -> None:
    """Raises GraphError 131053 for a type or a size that the platform doesn't take."""
    for kinds, limit in LIMITS.values():
        if plain(mime) in kinds:
            if size > limit:
                raise GraphError(131053, f"The file has {size} bytes; {plain(mime)} may have {limit}.")
            return
    raise GraphError(131053, f"Unsupported MIME type {plain(mime) or 'missing'}.")


def store(number: str, chunks: Iterable[bytes], mime: str, name: str, *, uploaded: bool) -> sqlite3.Row:
    """Keep a file; `uploaded` by the business, else sent by a person. Gives its row."""
    media_id = f"5{2 if uploaded else 1}{secrets.randbelow(10**13):013d}"
    folder = world.media_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with (folder / media_id).open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    with world.write() as db:
        db.execute(
            "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (media_id, number, mime, digest.hexdigest(), size, name, int(uploaded), world.now()),
        )
    return row(media_id)


def row(media_id: str) -> sqlite3.Row:
    """The row of a file that still exists. Raises GraphError 100 otherwise."""
    found = world.row("SELECT * FROM media WHERE id = ?", media_id)
    if not found or world.now() > found["at"] + (UPLOADED if found["uploaded"] else FROM_PEOPLE):
        raise missing(media_id)
    return found


def missing(object_id: str) -> GraphError:
    """Meta's answer for an object that isn't there, or that the token may not see."""
    return GraphError(
        100,
        "The object does not exist or is not visible to this token.",
        message=f"Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation",
        kind="GraphMethodException",
    )


def path(media_id: str) -> Path:
    """Where its bytes lie."""
    return world.media_folder() / media_id


def sha256_base64(found: sqlite3.Row) -> str:
    """The hash as webhooks carry it."""
    return base64.b64encode(bytes.fromhex(found["sha256"])).decode()


def delete(media_id: str) -> None:
    """Remove a file."""
    with world.write() as db:
        db.execute("DELETE FROM media WHERE id = ?", (media_id,))
    path(media_id).unlink(missing_ok=True)


def link(media_id: str, origin: str) -> str:
    """A download address that is valid for five minutes, on the sandbox's own host."""
    expires = str(int(world.now()) + LINK)
    query = urlencode({"mid": media_id, "ext": expires, "hash": _seal(media_id, expires)})
    return f"{origin}/sandbox/lookaside/whatsapp_business/attachments/?{query}"


def linked(media_id: str, expires: str, seal: str) -> bool:
    """Whether a download address is genuine and still valid."""
    genuine = hmac.compare_digest(_seal(media_id, expires).encode(), seal.encode())
    return genuine and expires.isdigit() and int(expires) >= world.now()


def cdn_link(media_id: str, origin: str) -> str:
    """Where Messenger and Instagram let anyone fetch a file, for a day: the name stands in the address alone."""
    found = row(media_id)
    ends = f"{int(world.now() + CDN):X}"
    query = urlencode({"oe": ends, "oh": _seal(media_id, ends)})
    return f"{origin}/sandbox/cdn/{media_id}/{quote(found['name'] or 'file', safe='')}?{query}"


def cdn_linked(media_id: str, ends: str, seal: str) -> bool:
    """Whether such an address is genuine and still valid."""
    genuine = hmac.compare_digest(_seal(media_id, ends).encode(), seal.encode())
    return genuine and int(ends, 16) >= world.now()  # what is genuine was made above


def _seal(media_id: str, expires: str) -> str:
    made = hmac.new(settings.SECRET_KEY.encode(), f"sandbox {media_id} {expires}".encode(), hashlib.sha256)
    return "AT" + made.hexdigest()[:20]
