"""What the platform tells of templates. A webhook may come twice, late, or before the template is known here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accounts import audit
from accounts.audit import SYSTEM
from channels_app.contract import AccountEvent
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import provider
from channels_app.templates import jobs
from channels_app.templates.contract import KeepsTemplates

KINDS = frozenset({"template_status", "template_quality", "template_category", "template_components"})
# Words of a webhook that are another word in the list.
_SAME = {"reinstated": "approved", "unarchived": "approved", "unpaused": "approved"}


def apply(workspace_id: UUID, pairs: Sequence[tuple[AccountEvent, Channel]]) -> None:
    """Take the template events in, in their order: in the workspace's scope and the transaction that stores the webhook.
    `facts` of all kinds: `template_id`, and of `template_status`: `event`, `reason`, `advice`, `category`; of
    `template_quality`: `quality`; of `template_category`: `category`, `is_announced`. One that is not known here, or that
    got another text, is fetched."""
    told = [(event, channel) for event, channel in pairs if event.kind in KINDS]
    if not told:
        return
    rows = {
        (row.provider, row.account_id, row.external_id): row
        for row in MessageTemplate.objects.filter(external_id__in={_id(event) for event, _ in told}).select_for_update()
    }
    stale: dict[tuple[str, str], Channel] = {}
    changed: dict[UUID, MessageTemplate] = {}
    for event, channel in told:
        row = rows.get((channel.provider, channel.account_id, _id(event)))
        if row is None or event.kind == "template_components":
            stale.setdefault((channel.provider, channel.account_id), channel)
        elif _take(row, event.kind, event.facts):
            changed[row.pk] = row
    for row in changed.values():
        row.save()
    for channel in stale.values():
        jobs.fetch_templates.enqueue(workspace_id, channel.pk)


def _id(event: AccountEvent) -> str:
    return str(event.facts.get("template_id") or "")


def _word(value: Any, limit: int) -> str:
    return value.lower()[:limit] if isinstance(value, str) else ""


def _take(row: MessageTemplate, kind: str, facts: Any) -> bool:
    """Gives whether anything changed: what comes twice changes nothing and is told once."""
    if kind == "template_quality":
        return _set(row, quality=_word(facts.get("quality"), 10))
    if kind == "template_category":
        category = _word(facts.get("category"), 20)
        if facts.get("is_announced"):
            changed = category != row.category and _set(row, coming_category=category)
        else:
            changed = _set(row, category=category, coming_category="")
        if changed and row.coming_category:
            audit.record("template.category_announced", SYSTEM, row.pk)
        elif changed:
            audit.record("template.category_changed", SYSTEM, row.pk)
        return changed
    status = _word(facts.get("event"), 30)
    reason = _word(facts.get("reason"), 60)
    changed = _set(row, status=_SAME.get(status, status) or row.status, reason="" if reason == "none" else reason)
    if changed:
        row.advice = str(facts.get("advice") or "")[:1000] or None
        audit.record("template.status_changed", SYSTEM, row.pk)
    return changed


def _set(row: MessageTemplate, **values: str) -> bool:
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def refused(channel: Channel, code: int | None) -> None:
    """A send with a template failed with this code: where it says that the template is another than we know, the list is
    fetched again."""
    platform = provider(channel.provider)
    if code and isinstance(platform, KeepsTemplates) and platform.contradicts_template(code):
        jobs.fetch_templates.enqueue(channel.workspace_id, channel.pk)
