"""The opt-ins of a contact as the panel shows them."""

from typing import Any

from conversations.models import Conversation, OptIn
from conversations.opt_ins.forms import OptInForm
from conversations.opt_ins.ledger import ALL, EVERYTHING, TOPICS, Standing
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload

_LAST = 10  # entries of the ledger


def topic_label(topic: str) -> str:
    """What a topic is called; what a platform named is shown as it named it."""
    return str(EVERYTHING if topic == ALL else TOPICS.get(topic, topic))


def panel(conversation: Conversation, standing: Standing) -> dict[str, Any]:
    """What holds (each topic with its state), and the newest entries behind it. One query."""
    rows = OptIn.objects.filter(contact_id=conversation.contact_id, provider=conversation.channel.provider)
    entries = list(rows.order_by("-at", "-id")[:_LAST])
    preload(entries)
    return {
        "granted": [
            {"topic": topic, "label": topic_label(topic), "at": at}
            for topic, at in standing.granted.items()
            if not standing.stopped_at(topic)
        ],
        "stopped": [
            {"topic": topic, "label": topic_label(topic), "at": at}
            for topic, at in standing.stopped.items()
            if topic != ALL or standing.silenced_at
        ],
        "entries": [_entry(each) for each in entries],
        "is_open": not standing.silenced_at,
        "form": OptInForm(),
    }


def _entry(row: OptIn) -> dict[str, Any]:
    try:
        wording, proof = row.wording or "", row.proof or ""
    except KeyMissing:
        wording = proof = ""
    return {
        "label": topic_label(row.topic),
        "granted": row.is_granted,
        "source": row.get_source_display(),
        "wording": wording,
        "proof": proof,
        "at": row.at,
    }
