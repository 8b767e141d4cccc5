"""Fetching, making, changing and deleting templates. Every call to the platform happens outside a transaction; call these
in the workspace's scope and with no transaction open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from channels_app import stops
from channels_app.contract import CredentialsRefused, ProviderError
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import provider
from channels_app.templates import drafts, words
from channels_app.templates.contract import KeepsTemplates, TemplateDraft, TemplateFacts
from channels_app.templates.drafts import Wanted
from omnistra.core.bulk import insert_new, update_rows
from omnistra.core.logs import get_logger

log = get_logger(__name__)
EDIT_APART = timedelta(hours=24)  # an approved one, once a day (providers/whatsapp.md 13)


class NotDone(Exception):
    """The platform was not asked, or said no. `problems` has the reason by field ("" for none)."""

    def __init__(self, code: str, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.code, self.problems = code, problems


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a channel's templates are kept."""

    platform: KeepsTemplates
    account_id: str
    credentials: Mapping[str, Any]


def has_templates(channel: Channel) -> bool:
    """Whether its platform knows templates."""
    return isinstance(provider(channel.provider), KeepsTemplates)


def of_channel(channel: Channel) -> QuerySet[Any]:
    """The templates that its account has."""
    return MessageTemplate.objects.filter(provider=channel.provider, account_id=channel.account_id)


def _desk(channel: Channel) -> _Desk:
    platform = provider(channel.provider)
    if not isinstance(platform, KeepsTemplates):
        raise NotDone("no_templates", {"": f"{channel.get_provider_display()} has no templates."})
    if channel.status == Channel.Status.DISCONNECTED or not channel.credentials:
        raise NotDone("channel_disconnected", {"": "This channel is disconnected. Connect it again under Settings."})
    return _Desk(platform, channel.account_id, channel.credentials)


def _refused(channel: Channel, error: ProviderError) -> NotDone:
    """What the platform said, in its own words where it gave some. A refused token stops the channel."""
    if isinstance(error, CredentialsRefused):
        with transaction.atomic():
            stops.note(channel.pk, error)
    return NotDone("platform_refused", {"": f"{error.title} {error.detail}".strip()})


def fetch(channel: Channel, actor: Actor | None = None) -> int:
    """Take over what the platform has, in one transaction; gives how many. Raises NotDone."""
    desk, started = _desk(channel), timezone.now()
    try:
        found = {facts.external_id: facts for facts in desk.platform.list_templates(desk.account_id, desk.credentials)}
    except ProviderError as error:
        raise _refused(channel, error) from error
    with transaction.atomic():
        # One at a time for an account: its oldest channel's row is the lock.
        of_account = Channel.objects.filter(provider=channel.provider, account_id=channel.account_id)
        of_account.select_for_update(no_key=True).order_by("created_at", "id").first()
        known = {row.external_id: row for row in of_channel(channel)}
        changed = [row for row in known.values() if row.external_id in found and _take(row, found[row.external_id])]
        update_rows(
            changed, ["name", "language", "category", "coming_category", "status", "quality", "reason", "components"]
        )
        fresh = [_row(channel, facts) for external_id, facts in found.items() if external_id not in known]
        insert_new(fresh)
        gone = [row.pk for row in known.values() if row.external_id not in found and row.created_at < started]
        MessageTemplate.objects.filter(pk__in=gone).delete()
        if actor is not None:
            audit.record("template.fetched", actor, channel.pk)
    return len(found)


def _take(row: MessageTemplate, facts: TemplateFacts) -> bool:
    """Write what the platform says into the row; gives whether anything is new."""
    before = (row.name, row.language, row.category, row.status, row.quality, row.reason, row.components)
    row.name, row.language, row.status = facts.name, facts.language, facts.status
    row.quality, row.reason, row.components = facts.quality, facts.reason, list(facts.components)
    if row.category != facts.category:
        row.category, row.coming_category = facts.category, ""
    return before != (row.name, row.language, row.category, row.status, row.quality, row.reason, row.components)


def _row(channel: Channel, facts: TemplateFacts) -> MessageTemplate:
    return MessageTemplate(
        provider=channel.provider, account_id=channel.account_id, external_id=facts.external_id, name=facts.name,
        language=facts.language, category=facts.category, status=facts.status, quality=facts.quality,
        reason=facts.reason, components=list(facts.components),
    )  # fmt: skip


def _draft(wanted: Wanted) -> TemplateDraft:
    try:
        return drafts.draft(wanted)
    except drafts.NotValid as error:
        raise NotDone("not_valid", error.problems) from error


def create(channel: Channel, wanted: Wanted, actor: Actor) -> MessageTemplate:
    """Hand a new one in. Raises NotDone."""
    draft, desk = _draft(wanted), _desk(channel)
    with transaction.atomic():
        same = of_channel(channel).filter(name=draft.name, language=draft.language).exclude(status__in=words.GONE)
        if same.exists():
            raise NotDone("exists", {"name": "There is a template of this name in this language."})
    try:
        placed = desk.platform.create_template(desk.account_id, desk.credentials, draft)
    except ProviderError as error:
        raise _refused(channel, error) from error
    with transaction.atomic():
        values = {
            "name": draft.name, "language": draft.language, "category": placed.category, "status": placed.status,
            "components": list(draft.components),
        }  # fmt: skip
        row = of_channel(channel).filter(external_id=placed.external_id).first()  # a webhook may have been quicker
        if row is None:
            row = MessageTemplate(
                provider=channel.provider, account_id=channel.account_id, external_id=placed.external_id
            )  # fmt: skip
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        audit.record("template.created", actor, row.pk)
    return row


def edit(channel: Channel, row: MessageTemplate, wanted: Wanted, actor: Actor) -> None:
    """Hand a changed one in; it is reviewed again. Name and language stay. Raises NotDone."""
    if row.status not in words.EDITABLE:
        raise NotDone("not_editable", {"": "Meta lets an approved, rejected or paused template be changed, no other."})
    if row.status == words.USABLE:
        if wanted.category != row.category:
            raise NotDone("not_valid", {"category": "The category of an approved template stays."})
        if row.edited_at and timezone.now() - row.edited_at < EDIT_APART:
            raise NotDone("too_often", {"": "Meta takes one change a day of an approved template. Try again tomorrow."})
    draft, desk = _draft(wanted), _desk(channel)
    try:
        desk.platform.edit_template(row.external_id, desk.credentials, draft)
    except ProviderError as error:
        raise _refused(channel, error) from error
    with transaction.atomic():
        row.category, row.components, row.status, row.reason = draft.category, list(draft.components), "pending", ""
        row.advice, row.edited_at = None, timezone.now()
        row.save()
        audit.record("template.changed", actor, row.pk)


def delete(channel: Channel, row: MessageTemplate, actor: Actor) -> None:
    """Delete one language of it, there and here. Raises NotDone."""
    desk = _desk(channel)
    try:
        desk.platform.delete_template(desk.account_id, desk.credentials, row.external_id, row.name)
    except ProviderError as error:
        raise _refused(channel, error) from error
    with transaction.atomic():
        row_id = row.pk
        row.delete()
        audit.record("template.deleted", actor, row_id)


def forget(channel: Channel) -> None:
    """A channel was disconnected: where nobody here reaches its account any more, its templates go. In a transaction."""
    others = Channel.objects.filter(provider=channel.provider, account_id=channel.account_id).exclude(pk=channel.pk)
    if not others.exclude(status=Channel.Status.DISCONNECTED).exists():
        of_channel(channel).delete()


def accounts() -> Sequence[tuple[UUID, UUID]]:
    """One channel, with its workspace, of each account that can be asked. In the system's scope."""
    active = Channel.objects.filter(
        status=Channel.Status.ACTIVE, workspace__suspended_at__isnull=True, workspace__closing_at__isnull=True
    )
    rows = active.order_by("workspace_id", "provider", "account_id", "created_at")
    first = rows.distinct("workspace_id", "provider", "account_id")
    return list(first.values_list("workspace_id", "pk"))
