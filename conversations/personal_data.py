"""What the conversations hold of people, and how retention empties them (privacy.registry)."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit.names import Name, add_names
from conversations.campaigns import erasing
from conversations.ingest import lock_workspace, unsending
from conversations.models import (
    Attachment,
    Campaign,
    CampaignRecipient,
    Contact,
    Conversation,
    Delivery,
    EarlyUpdate,
    Handle,
    Message,
    OptIn,
    OptOut,
    Reaction,
    Tombstone,
)
from conversations.opt_ins import ledger
from omnistra.core import keyring
from privacy import erasure
from privacy.registry import Store, add_store, register
from privacy.selection import Selection

ROUTE = ("to route messages between the customer and its end users", "contract (processor)")

CAMPAIGN = ("to send what the customer asked for to whom the customer chose", "contract")

AGREED = ("to prove who agreed to be written to, and to honour a no", "legal obligation (processor)")

register(Contact, role="processor", retention="with the last conversation", personal={"name": ROUTE})
register(
    Handle, role="processor", retention="with the contact",
    personal={"value": ROUTE, "value_hash": ROUTE}, clear=("provider", "kind"),
)  # fmt: skip
register(
    OptIn, role="processor", retention="with the contact",
    personal={"wording": AGREED, "proof": AGREED}, clear=("provider", "topic", "source", "recorded_by_kind"),
)  # fmt: skip
register(
    OptOut, role="processor", retention="with the workspace: a no outlives the data of whoever said it",
    personal={"value_hash": AGREED}, clear=("provider", "kind", "topic"),
)  # fmt: skip
register(
    Conversation, role="processor", retention="conversation_days",
    personal={"referral": ROUTE}, clear=("status", "held_by"),
)  # fmt: skip
register(
    Message, role="processor", retention="message_days, conversation_days",
    personal={"content": ROUTE, "external_id": ROUTE, "external_hash": ROUTE, "reply_to_hash": ROUTE, "error": ROUTE},
    clear=("direction", "type", "status", "instructed_by_kind", "sent_from", "price"),
)  # fmt: skip
register(
    Reaction, role="processor", retention="with the message",
    personal={"emoji": ROUTE, "target_hash": ROUTE},
)  # fmt: skip
register(
    Attachment, role="processor", retention="media_days, message_days, conversation_days",
    personal={"details": ROUTE}, clear=("kind", "state", "storage_key"),
)  # fmt: skip
register(Delivery, role="processor", retention="with the message", clear=("state",))
register(
    Campaign, role="controller", retention="with the workspace",
    personal={"name": CAMPAIGN, "values": CAMPAIGN, "segment": CAMPAIGN},
    clear=("template_name", "template_language", "state", "reason", "instructed_by_kind"),
)  # fmt: skip
register(CampaignRecipient, role="processor", retention="with the conversation", clear=("state", "reason"))
register(
    EarlyUpdate, role="processor", retention="an edit 30 days, a status 15 minutes, at the longest with the contact",
    personal={"details": ROUTE, "target_hash": ROUTE}, clear=("kind", "price"),
)  # fmt: skip
register(
    Tombstone, role="processor", retention="30 days",
    personal={"target_hash": ("to keep from storing again what was deleted", "legal obligation")},
)  # fmt: skip


def _old_media(selection: Selection) -> list[QuerySet[Any]]:
    rows = Attachment.objects.exclude(state=Attachment.State.PURGED)
    found = []
    if condition := selection.before("provider_at", "media"):
        found.append(rows.filter(condition))
    found += [rows.filter(message__in=messages.values("pk")) for messages in _old_messages(selection)]
    return found


def _erase_media(_: UUID, __: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    rows = Attachment.objects.filter(pk__in=ids).exclude(state=Attachment.State.PURGED)
    files = erasure.forget_files(list(rows.values_list("storage_key", flat=True)))
    count = rows.update(state=Attachment.State.PURGED, details=None, storage_key="", size=None, next_attempt_at=None)
    return {"media": count, "files": files}


def _old_conversations(selection: Selection) -> list[QuerySet[Any]]:
    condition = selection.before("last_message_at", "conversation", "message")
    return [Conversation.objects.filter(condition)] if condition else []


def _old_messages(selection: Selection) -> list[QuerySet[Any]]:
    found = []
    if condition := selection.before("provider_at", "message"):
        found.append(Message.objects.filter(condition))
    found += [Message.objects.filter(conversation__in=rows.values("pk")) for rows in _old_conversations(selection)]
    return found


def _erase_messages(workspace_id: UUID, __: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    messages = Message.objects.filter(pk__in=ids)
    known = list(
        messages.exclude(external_hash=None).values_list("channel_id", "external_hash", "created_at", "conversation_id")
    )
    # A platform repeats for days what it has told: what came lately and goes now is not to come back.
    repeated = timezone.now() - timedelta(days=settings.META_DEDUP_DAYS)
    unsending.bury(workspace_id, [(channel, hashed) for channel, hashed, created, _ in known if created > repeated])
    files = Attachment.objects.filter(message_id__in=ids)
    counts = {"files": erasure.forget_files(list(files.values_list("storage_key", flat=True)))}
    counts["attachments"] = files.delete()[0]
    erasing.keep_states(ids)
    counts["deliveries"] = Delivery.objects.filter(message_id__in=ids).delete()[0]
    counts["reactions"] = unsending.forget_marks(
        [(channel, bytes(hashed)) for channel, hashed, _, _ in known], {conversation for _, _, _, conversation in known}
    )
    counts["messages"] = messages.delete()[0]
    return counts


def _erase_conversations(workspace_id: UUID, selection: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    lock_workspace(workspace_id)  # no message of these conversations is being stored meanwhile
    still = [
        pk for rows in _old_conversations(selection) for pk in rows.filter(pk__in=ids).values_list("pk", flat=True)
    ]
    filled = set(Message.objects.filter(conversation_id__in=still).values_list("conversation_id", flat=True))
    empty = [pk for pk in still if pk not in filled]
    contacts = list(Conversation.objects.filter(pk__in=empty).values_list("contact_id", flat=True))
    erasing.forget_in(empty)
    counts = {"reactions": Reaction.objects.filter(conversation_id__in=empty).delete()[0]}
    counts["conversations"] = Conversation.objects.filter(pk__in=empty).delete()[0]
    # The last conversation takes the contact with it, in the same transaction.
    return counts | _erase_contacts(workspace_id, selection, contacts)


def _lonely_contacts(selection: Selection) -> list[QuerySet[Any]]:
    """Contacts whose every conversation goes (or has gone): the last one takes name and handles with it."""
    condition = selection.before("last_message_at", "conversation", "message")
    if condition is None:
        return []
    mine = Conversation.objects.filter(contact_id=OuterRef("pk"))
    # One that was merged goes with the contact that it was merged into: its key opens what is left there.
    rows = Contact.objects.filter(merged_into__isnull=True)
    created = selection.before("created_at", "conversation", "message", channel_field="pk") or Q()
    gone = rows.filter(~Exists(mine.exclude(condition)))
    return [gone.filter(Exists(mine) | created)]


def _erase_contacts(workspace_id: UUID, selection: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    lock_workspace(workspace_id)
    rows = Contact.objects.filter(pk__in=ids, merged_into__isnull=True)
    without = rows.exclude(Exists(Conversation.objects.filter(contact_id=OuterRef("pk"))))
    gone = list(without.values_list("pk", flat=True))
    Reaction.objects.filter(contact_id__in=gone).delete()
    EarlyUpdate.objects.filter(contact_id__in=gone).delete()
    erasing.forget_everywhere(gone)
    merged = Contact.objects.filter(merged_into_id__in=gone)
    former = list(merged.values_list("pk", flat=True))
    merged.delete()
    entries = ledger.outlive(gone)
    handles = Handle.objects.filter(contact_id__in=gone).delete()[0]
    contacts = Contact.objects.filter(pk__in=gone).delete()[0]
    # Before the commit: were it to fail, the rows would be unreadable and the next run deletes them.
    keys = keyring.destroy_contact_keys(workspace_id, gone + former)
    return {"opt_ins": entries, "handles": handles, "contacts": contacts, "keys": keys}


add_store(Store("media", _old_media, _erase_media, chunk=500))
add_store(Store("messages", _old_messages, _erase_messages, chunk=settings.RETENTION_CHUNK))
add_store(Store("conversations", _old_conversations, _erase_conversations, chunk=500))
add_store(Store("contacts", _lonely_contacts, _erase_contacts, chunk=500))


def _named(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    """The audit log links to a conversation and names nobody: it is read by people who may not read conversations."""
    return {
        pk: Name(_("a conversation"), reverse("conversations:detail", args=[slug, pk]))
        for pk in Conversation.objects.filter(pk__in=ids).values_list("pk", flat=True)
    }


def _campaigns(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {
        pk: Name(_("the campaign %(name)s") % {"name": name}, reverse("conversations:campaign", args=[slug, pk]))
        for pk, name in Campaign.objects.filter(pk__in=ids).values_list("pk", "name")
    }


add_names("conversation", _named)
add_names("campaign", _campaigns)
