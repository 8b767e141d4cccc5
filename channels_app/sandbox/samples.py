"""Ready-made files to send, drawn by code and free of anyone's rights."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import directory, media


@dataclass(frozen=True, slots=True)
class Sample:
    """A ready-made file and how it is sent."""

    file: str
    kind: str
    mime: str
    label: str
    make: Callable[[], bytes]


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    lines = b"".join(b"\x00" + pixels[row * width * 3 : (row + 1) * width * 3] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


@cache
def picture(seed: int = 0) -> bytes:
    """A cup of tea on a table in the evening light, 480 x 360, PNG."""
    width, height = 480, 360
    warm = [(247, 214, 170), (214, 226, 240), (232, 214, 236)][seed % 3]
    table = [(122, 84, 60), (92, 104, 112), (110, 84, 112)][seed % 3]
    tea = [(176, 96, 40), (150, 120, 40), (140, 60, 50)][seed % 3]
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            shade = 1.0 - y / height * 0.25
            color: tuple[int, ...] = warm if y < 230 else table
            dx, dy = (x - 230) / 118, (y - 205) / 26
            if 205 <= y <= 300 and abs(x - 230) < 118 - max(0, y - 230) * 0.62:
                color = (250, 248, 244)
            if (
                (x - 352) ** 2 / 34**2 + (y - 240) ** 2 / 30**2
                < 1
                < (x - 352) ** 2 / 22**2 + (y - 240) ** 2 / 18**2 * 1.0
            ):
                color = (244, 241, 236)
            if dx * dx + dy * dy < 1:
                color = tea if dx * dx + dy * dy < 0.82 else (255, 253, 250)
            if (x - 230) ** 2 / 190**2 + (y - 308) ** 2 / 20**2 < 1 and y > 296:
                color = (238, 234, 228)
            if 60 < y < 180 and abs(x - 200 - 14 * ((y // 20) % 2)) < 3 and y % 40 < 30:
                color = tuple(min(255, part + 14) for part in warm)
            pixels += bytes(min(255, int(part * shade)) for part in color)
    return _png(width, height, bytes(pixels))


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
    "morning": Sample("cup-morning.png", "image", "image/png", "Photo: tea in the morning", lambda: picture(0)),
    "evening": Sample("cup-evening.png", "image", "image/png", "Photo: tea in the evening", lambda: picture(2)),
    "order": Sample(
        "purchase-order.pdf", "document", "application/pdf", "Document: a purchase order",
        lambda: document("Purchase order 2026-118", ORDER),
    ),
}  # fmt: skip
PLACE = {"latitude": 41.1496, "longitude": -8.6109, "name": "Northwind Tea", "address": "Rua das Flores 12, Porto"}


def place(number_id: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Put a sample at Meta as a person's file: gives the kind of message and its content. KeyError for no sample."""
    sample = SAMPLES[str(content["sample"])]
    number = directory.number(number_id)
    stored = media.store(number["phone_number_id"], [sample.make()], sample.mime, sample.file, uploaded=False)
    made: dict[str, Any] = {"media": stored["id"]}
    for name in ("caption", "filename"):
        if content.get(name):
            made[name] = content[name]
    return sample.kind, made
