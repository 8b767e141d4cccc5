"""What the conversations hold of people, and how retention empties them (privacy.registry)."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit.names import Name, add_names
from conversations.ingest import lock_workspace
from conversations.models import Attachment, Contact, Conversation, Delivery, Handle, Message, Reaction
from omnistra.core import keyring
from privacy import erasure
from privacy.registry import Store, add_store, register
from privacy.selection import Selection

ROUTE = ("to route messages between the customer and its end users", "contract (processor)")

register(Contact, role="processor", retention="with the last conversation", personal={"name": ROUTE})
register(
    Handle, role="processor", retention="with the contact",
    personal={"value": ROUTE, "value_hash": ROUTE}, clear=("provider", "kind"),
)  # fmt: skip
register(Conversation, role="processor", retention="conversation_days", clear=("status",))
register(
    Message, role="processor", retention="message_days, conversation_days",
    personal={"content": ROUTE, "external_id": ROUTE, "external_hash": ROUTE, "reply_to_hash": ROUTE, "error": ROUTE},
    clear=("direction", "type", "status", "instructed_by_kind"),
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


def _erase_messages(_: UUID, __: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    messages = Message.objects.filter(pk__in=ids)
    hashes = list(messages.exclude(external_hash=None).values_list("external_hash", flat=True))
    files = Attachment.objects.filter(message_id__in=ids)
    counts = {"files": erasure.forget_files(list(files.values_list("storage_key", flat=True)))}
    counts["attachments"] = files.delete()[0]
    counts["deliveries"] = Delivery.objects.filter(message_id__in=ids).delete()[0]
    counts["reactions"] = Reaction.objects.filter(target_hash__in=hashes).delete()[0]
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
    created = selection.before("created_at", "conversation", "message", channel_field="pk") or Q()
    gone = Contact.objects.filter(~Exists(mine.exclude(condition)))
    return [gone.filter(Exists(mine) | created)]


def _erase_contacts(workspace_id: UUID, selection: Selection, ids: Sequence[UUID]) -> dict[str, int]:
    lock_workspace(workspace_id)
    without = Contact.objects.filter(pk__in=ids).exclude(Exists(Conversation.objects.filter(contact_id=OuterRef("pk"))))
    gone = list(without.values_list("pk", flat=True))
    Reaction.objects.filter(contact_id__in=gone).delete()
    handles = Handle.objects.filter(contact_id__in=gone).delete()[0]
    contacts = Contact.objects.filter(pk__in=gone).delete()[0]
    # Before the commit: were it to fail, the rows would be unreadable and the next run deletes them.
    keys = keyring.destroy_contact_keys(workspace_id, gone)
    return {"handles": handles, "contacts": contacts, "keys": keys}


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


add_names("conversation", _named)
