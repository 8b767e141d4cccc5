"""Parsing of WhatsApp webhooks (providers/whatsapp.md 5 to 10). Pure; never raises; named fields only.

1. `envelope` walks entries and changes and hands each to the room of its field.
2. Each element (message, status, thread …) is read on its own: a bad one becomes a Problem, its neighbours stay.
3. Who somebody is, `people` alone decides; what a message holds, `contents`.
"""

from channels_app.providers.whatsapp.payloads.contents import sha256_hex
from channels_app.providers.whatsapp.payloads.envelope import parse

__all__ = ["parse", "sha256_hex"]
