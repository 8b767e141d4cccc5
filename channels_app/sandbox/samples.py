"""Ready-made files to send. Pictures are drawn, the voice is synthetic: free of anyone's rights, showing nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import directory, media

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True, slots=True)
class Sample:
    """A ready-made file and how it is sent."""

    file: str
    kind: str
    mime: str
    label: str
    make: Callable[[], bytes]


def kept(name: str) -> bytes:
    """A picture or recording that lies beside this module."""
    return (FILES / name).read_bytes()


def document(title: str, lines: tuple[str, ...]) -> bytes:
    """A one-page PDF."""
    text = (
        "BT /F1 20 Tf 60 760 Td ("
        + title
        + ") Tj /F1 12 Tf "
        + "".join(f" 0 -24 Td ({line}) Tj" for line in lines)
        + " ET"
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n"
    )
    return (out + end + f"startxref\n{len(out)}\n%%EOF").encode("latin-1")


ORDER = ("12 kg Assam TGFOP", "8 kg Darjeeling first flush", "", "Delivery: Rua das Flores 12, Porto")
SAMPLES: dict[str, Sample] = {
    "pot": Sample("pot.jpg", "image", "image/jpeg", "Photo: a green teapot", lambda: kept("pot.jpg")),
    "tin": Sample("tin.jpg", "image", "image/jpeg", "Photo: a dented tin", lambda: kept("tin.jpg")),
    "leaf": Sample("leaf.webp", "sticker", "image/webp", "Sticker: a tea leaf", lambda: kept("leaf.webp")),
    "voice": Sample("voice.ogg", "audio", "audio/ogg; codecs=opus", "Voice message", lambda: kept("voice.ogg")),
    "order": Sample(
        "purchase-order.pdf", "document", "application/pdf", "Document: a purchase order",
        lambda: document("Purchase order 2026-118", ORDER),
    ),
}  # fmt: skip


def place(channel: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Put a sample at Meta as a person's file: gives the kind of message and its content. KeyError for no sample."""
    sample = SAMPLES[str(content["sample"])]
    stored = media.store(directory.channel(channel), [sample.make()], sample.mime, sample.file, uploaded=False)
    made: dict[str, Any] = {"media": stored["id"]} | ({"voice": True} if sample.kind == "audio" else {})
    for name in ("caption", "filename", "body"):
        if content.get(name):
            made[name] = content[name]
    return sample.kind, made
