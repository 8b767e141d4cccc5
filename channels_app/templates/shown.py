"""Templates as pages and the API show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels_app.models import MessageTemplate
from channels_app.templates import form, words
from channels_app.templates.drafts import Wanted, draft
from channels_app.templates.form import TemplateForm


@dataclass(frozen=True, slots=True)
class Preview:
    """A template as the person will see it. Header and body in pieces: (text, slot's key or "")."""

    header: Sequence[tuple[str, str]]
    header_file: str
    body: Sequence[tuple[str, str]]
    footer: str
    buttons: Sequence[tuple[str, str]]  # words, icon


_ICONS = {"URL": "external-link", "PHONE_NUMBER": "phone", "COPY_CODE": "copy", "OTP": "copy"}


def preview(read: TemplateForm, values: Mapping[str, str] | None = None) -> Preview:
    """With values filled in, else with the examples."""
    pieces = form.preview(read, values or {})
    return Preview(
        header=pieces["header"], header_file=read.header_file, body=pieces["body"], footer=read.footer,
        buttons=[(each.text, _ICONS.get(each.kind, "reply")) for each in read.buttons],
    )  # fmt: skip


def preview_of(wanted: Wanted) -> Preview:
    """A template that is being written. Raises drafts.NotValid."""
    return preview(form.read(draft(wanted).components))


@dataclass(frozen=True, slots=True)
class Row:
    """One template in a list or on its page."""

    row: MessageTemplate
    status: str
    tone: str
    meaning: str
    quality: str
    quality_tone: str
    category: str
    coming: str
    reason: str
    text: str
    can_edit: bool
    problem: str


def row(template: MessageTemplate) -> Row:
    """Its words."""
    read = form.read(template.components)
    status, tone = words.STATUSES.get(template.status, (template.status.replace("_", " ").capitalize(), ""))
    quality, quality_tone = words.QUALITIES.get(template.quality, ("", ""))
    return Row(
        row=template,
        status=str(status),
        tone=tone,
        meaning=str(words.MEANING.get(template.status, "")),
        quality=str(quality),
        quality_tone=quality_tone,
        category=_category(template.category),
        coming=_category(template.coming_category) if template.coming_category else "",
        reason=words.reason(template.reason),
        text=" ".join(read.body.split()),
        can_edit=template.status in words.EDITABLE and not read.problem and not read.header_file,
        problem=read.problem,
    )


def _category(category: str) -> str:
    return str(words.CATEGORIES.get(category, category.replace("_", " ").capitalize()))


def slots(read: TemplateForm) -> list[dict[str, Any]]:
    """What a template asks for, as the API lists it."""
    return [{"key": slot.key, "example": slot.example, "button": slot.button} for slot in read.slots]
