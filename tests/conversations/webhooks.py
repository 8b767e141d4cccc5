"""Bodies as WhatsApp sends them, for tests: each function gives one part, `body` wraps parts into a webhook."""

import json
from datetime import datetime
from typing import Any

from django.db import transaction

from channels_app import webhooks
from channels_app.models import Channel
from conversations import ingest
from omnistra.core.tenancy import workspace_scope

LENA = "491701112233"


def stamp(at: datetime) -> str:
    """A time as the platform writes it."""
    return str(int(at.timestamp()))


def text(wamid: str, words: str, at: datetime, number: str = LENA, name: str = "Lena Fields") -> dict[str, Any]:
    """A text message."""
    return {
        "contacts": [{"profile": {"name": name}, "wa_id": number}],
        "messages": [{"from": number, "id": wamid, "timestamp": stamp(at), "type": "text", "text": {"body": words}}],
    }


def media(wamid: str, at: datetime, media_id: str = "900", number: str = LENA) -> dict[str, Any]:
    """An image."""
    image = {"id": media_id, "mime_type": "image/jpeg", "caption": "Look"}
    return {
        "contacts": [{"profile": {"name": "Lena Fields"}, "wa_id": number}],
        "messages": [{"from": number, "id": wamid, "timestamp": stamp(at), "type": "image", "image": image}],
    }


def reaction(target: str, emoji: str, at: datetime, number: str = LENA) -> dict[str, Any]:
    """A mark on a message, or its withdrawal."""
    return {
        "contacts": [{"profile": {"name": "Lena Fields"}, "wa_id": number}],
        "messages": [
            {
                "from": number, "id": f"wamid.R{stamp(at)}{emoji}", "timestamp": stamp(at), "type": "reaction",
                "reaction": {"message_id": target, "emoji": emoji},
            }
        ],
    }  # fmt: skip


def status(wamid: str, name: str, at: datetime, reference: str = "", code: int | None = None) -> dict[str, Any]:
    """How far a message of ours came."""
    one: dict[str, Any] = {"id": wamid, "status": name, "timestamp": stamp(at), "recipient_id": LENA}
    if reference:
        one["biz_opaque_callback_data"] = reference
    if code:
        one["errors"] = [{"code": code, "title": "No", "error_data": {"details": "Not delivered."}}]
    return {"statuses": [one]}


def body(*parts: tuple[Channel, dict[str, Any]]) -> bytes:
    """One webhook with one entry a part."""
    entries = [
        {
            "id": channel.account_id,
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "493012345678", "phone_number_id": channel.external_id},
                        **value,
                    },
                }
            ],
        }
        for channel, value in parts
    ]
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()


def deliver(*parts: tuple[Channel, dict[str, Any]]) -> None:
    """Put a webhook into the journal and work the journal off."""
    webhooks.append("whatsapp", body(*parts))
    ingest.drain()


def connect(workspace: Any, number: str = "210000000000501", account: str = "310000000000101") -> Channel:
    """A connected number."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return Channel.objects.create(
            provider="whatsapp", external_id=number, account_id=account, name="Northwind",
            address="+49 30 12345678", credentials={"token": "EAAG-test-token"},
        )  # fmt: skip
