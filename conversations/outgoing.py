"""A message of ours between the database and the platform: what `content` of each type holds, and what is sent of it.

`template`: text (filled in), category, template {name, language, components, header, footer, buttons} · `choices`: text,
choices {buttons [{id, title}]} or {button, sections [{title, rows [{id, title, description}]}]}, header, footer ·
`reaction`: emoji ("" takes it back) · `location` and `contacts` as those of people.
"""

from collections.abc import Mapping
from typing import Any

from channels_app.contract import Choice, OutboundChoices, OutboundMedia, OutboundMessage, OutboundTemplate
from conversations.models import Message


def outbound(
    kind: str, content: Mapping[str, Any], *, handles: Mapping[str, str], reference: str = "",
    media: OutboundMedia | None = None, reply_to: str = "",
) -> OutboundMessage:  # fmt: skip
    """What the provider gets."""
    return OutboundMessage(
        handles=handles,
        reference=reference,
        text=str(content.get("text", "")),
        media=media,
        reply_to=reply_to,
        template=_template(content) if kind == "template" else None,
        choices=choices(content["choices"]) if content.get("choices") else None,
        location=content.get("location") if kind == "location" else None,
        cards=content.get("cards") or () if kind == "contacts" else (),
        reaction=str(content.get("emoji", "")) if kind == Message.REACTION else None,
    )


def _template(content: Mapping[str, Any]) -> OutboundTemplate:
    kept = content["template"]
    return OutboundTemplate(kept["name"], kept["language"], content["category"], kept["components"])


def choices(kept: Mapping[str, Any]) -> OutboundChoices:
    """The choices as they are stored, for the provider."""
    return OutboundChoices(
        buttons=[_choice(each) for each in kept.get("buttons") or ()],
        sections=[
            (str(each.get("title", "")), [_choice(row) for row in each.get("rows") or ()])
            for each in kept.get("sections") or ()
        ],
        button=str(kept.get("button", "")),
        header=str(kept.get("header", "")),
        footer=str(kept.get("footer", "")),
    )


def _choice(kept: Mapping[str, Any]) -> Choice:
    return Choice(str(kept.get("id", "")), str(kept.get("title", "")), str(kept.get("description", "")))
