"""The endpoints of conversations and messages."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api_views import ApiView, PageQuery, TextField, keyset_page
from accounts.models import Membership
from accounts.roles import Permission as P
from channels_app.models import Channel, Provider
from conversations import masking, message_input, policy, replies, scheduled, sending
from conversations.identities import handle_hash
from conversations.message_form import MessageOut, represent
from conversations.message_input import Sent
from conversations.models import Contact, Conversation, Handle, Message, OutOfSight
from conversations.reply_window import reply_window
from omnistra.core import live
from omnistra.problems import Refusal


class ConversationOut(serializers.Serializer[Any]):
    """One contact's thread on one channel."""

    id = serializers.UUIDField()
    channel = serializers.UUIDField()
    contact = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Conversation.Status.choices)
    assignee = serializers.UUIDField(allow_null=True)
    unread = serializers.IntegerField()
    last_message_at = serializers.DateTimeField()
    window_closes_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ConversationPage(serializers.Serializer[Any]):
    """A page of conversations."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = ConversationOut(many=True)


class MessagePage(serializers.Serializer[Any]):
    """A page of messages."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = MessageOut(many=True)


class ConversationQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(choices=Conversation.Status.choices, required=False)
    channel = serializers.UUIDField(required=False)
    assignee = serializers.UUIDField(required=False)


class ConversationChange(serializers.Serializer[Any]):
    """What may change of a conversation."""

    status = serializers.ChoiceField(choices=Conversation.Status.choices, required=False)
    assignee = serializers.UUIDField(required=False, allow_null=True, help_text="A membership's id.")


class Answer(Sent):
    """A message into a conversation."""

    reply_to = serializers.UUIDField(required=False, allow_null=True)


class FirstWord(Sent):
    """A message to a person: inside the reply window, or a template."""

    channel = serializers.UUIDField()
    to = TextField(max_length=64, help_text="The person's number or id on the platform.")


class ScheduledChange(serializers.Serializer[Any]):
    """What may change of a message that waits for its time."""

    text = TextField(max_length=65536, trim_whitespace=False, required=False)
    send_at = serializers.DateTimeField(required=False)


class IdentifierOut(serializers.Serializer[Any]):
    """One identifier of a contact on one platform."""

    id = serializers.UUIDField()
    provider = serializers.ChoiceField(choices=Provider.choices)
    kind = serializers.ChoiceField(choices=Handle.Kind.choices)
    value = serializers.CharField()


class IdentifiersOut(serializers.Serializer[Any]):
    """A contact's identifiers in full."""

    identifiers = IdentifierOut(many=True)


def _conversation(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "channel": row.channel_id,
        "contact": row.contact_id,
        "status": row.status,
        "assignee": row.assignee_id,
        "unread": row.unread_count,
        "last_message_at": row.last_message_at,
        "window_closes_at": reply_window(row).closes_at,
        "created_at": row.created_at,
    }


def _find(conversation_id: UUID) -> Conversation:
    found = Conversation.objects.select_related("channel").filter(pk=conversation_id).first()
    if found is None:
        raise Http404
    return found  # type: ignore[no-any-return]


def _message(message_id: UUID) -> dict[str, Any]:
    with transaction.atomic():
        found = list(Message.objects.filter(pk=message_id))
        if not found:
            raise Http404
        return represent(found)[0]


def _send(
    view: ApiView, conversation: Conversation, values: dict[str, Any], quoted: Message | None, nonce: UUID
) -> UUID:
    try:
        with transaction.atomic():
            message = message_input.send(conversation, values, view.actor, nonce, quoted)
    except sending.ValuesMissing as missing:
        problems = {key: [why] for key, why in missing.problems.items()}
        raise serializers.ValidationError({"template": {"values": problems}}) from missing
    except replies.Refused as refused:
        raise _refusal(refused) from refused
    return UUID(str(message.pk))


def _refusal(refused: replies.Refused) -> Refusal:
    return Refusal(refused.code, f"{refused.reason} {refused.next_step}".strip())


class Conversations(ApiView):
    """All conversations."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW}

    @extend_schema(operation_id="conversations_list", parameters=[ConversationQuery], responses=ConversationPage)
    def get(self, request: Request) -> Response:
        """List conversations, the latest first."""
        query = self.valid(ConversationQuery, request.query_params)
        wanted = {name: query[name] for name in ("status",) if name in query}
        wanted |= {f"{name}_id": query[name] for name in ("channel", "assignee") if name in query}
        with transaction.atomic():
            rows = Conversation.objects.filter(**wanted).select_related("channel").defer("channel__credentials")
            found, around = keyset_page(request, rows, "last_message_at", query)
        return Response(around | {"results": [_conversation(row) for row in found]})


class OneConversation(ApiView):
    """One conversation."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW, "PATCH": P.CONVERSATIONS_MANAGE}

    @extend_schema(operation_id="conversations_read", responses=ConversationOut)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a conversation."""
        with transaction.atomic():
            return Response(_conversation(_find(id)))

    @extend_schema(operation_id="conversations_change", request=ConversationChange, responses=ConversationOut)
    def patch(self, request: Request, id: UUID) -> Response:
        """Close it, open it again, or give it to a member."""
        values = self.valid(ConversationChange, request.data)
        with transaction.atomic():
            row = _find(id)
            if "assignee" in values:
                held = Membership.objects.select_for_update(no_key=True)  # not one who just goes
                member = values["assignee"] and held.filter(pk=values["assignee"]).first()
                if values["assignee"] and not member:
                    raise Http404("No member of this workspace has this id.")
                try:
                    row.assign(member)
                except OutOfSight as error:
                    raise serializers.ValidationError({"assignee": [str(error)]}) from error
            if "status" in values:
                row.close() if values["status"] == Conversation.Status.CLOSED else row.reopen()
            if values:
                audit.record("conversation.changed", self.actor, row.pk, sorted(values))
                live.publish(row.workspace_id, "conversation", {row.pk: row.channel_id})
            return Response(_conversation(row))


class MessagesOfConversation(ApiView):
    """The messages of a conversation."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW, "POST": P.CONVERSATIONS_REPLY}

    @extend_schema(operation_id="conversations_messages", parameters=[PageQuery], responses=MessagePage)
    def get(self, request: Request, id: UUID) -> Response:
        """List its messages, the latest first."""
        query = self.valid(PageQuery, request.query_params)
        with transaction.atomic():
            _find(id)
            rows = Message.objects.filter(conversation_id=id).exclude(type=Message.REACTION)
            found, around = keyset_page(request, rows, "provider_at", query)
            return Response(around | {"results": represent(found)})

    @extend_schema(operation_id="conversations_answer", request=Answer, responses={201: MessageOut})
    def post(self, request: Request, id: UUID) -> Response:
        """Answer. Refused with 422 when the reply window is closed."""
        values = self.valid(Answer, request.data)
        with transaction.atomic():
            conversation = _find(id)
            quoted = None
            if values.get("reply_to"):
                quoted = Message.objects.filter(pk=values["reply_to"], conversation=conversation).first()
                if quoted is None:
                    raise Http404("No message of this conversation has this id.")
        return self.once(request, lambda nonce: _send(self, conversation, values, quoted, nonce), _message)


def _holders(channel: Channel, to: str) -> QuerySet[Any]:
    """Who holds this number or id on the channel's platform."""
    digits = re.sub(r"[\s()+.-]", "", to)
    hashes = [
        handle_hash(channel.workspace_id, channel.provider, kind, value)
        for kind, value in (("wa_id", digits), *((kind, to.strip()) for kind in ("bsuid", "psid", "igsid")))
    ]
    return Handle.objects.filter(provider=channel.provider, kind__in=Handle.KEYS, value_hash__in=hashes, ended_at=None)


class Messages(ApiView):
    """Messages by the person's number."""

    required_scopes = {"POST": P.CONVERSATIONS_REPLY}

    @extend_schema(operation_id="messages_send", request=FirstWord, responses={201: MessageOut})
    def post(self, request: Request) -> Response:
        """Write to a person: in the reply window what you like, else a template."""
        values = self.valid(FirstWord, request.data)
        with transaction.atomic():
            channel = Channel.objects.filter(pk=values["channel"]).first()
            if channel is None:
                raise Http404("No channel of this workspace has this id.")
            holders = _holders(channel, values["to"])
            conversation = (
                Conversation.objects.filter(channel=channel, contact_id__in=holders.values("contact_id"))
                .select_related("channel")
                .order_by("-last_message_at", "-id")
                .first()
            )
            if conversation is None and values["type"] == "template":
                conversation = self._open(channel, holders, values["template"])
        if conversation is None:
            raise Refusal("window_never_open", "This person has not written to you yet. Send a template first.")
        return self.once(request, lambda nonce: _send(self, conversation, values, None, nonce), _message)

    def _open(self, channel: Channel, holders: QuerySet[Any], wanted: Mapping[str, Any]) -> Conversation:
        """The first conversation with a contact that is known and agreed to it. Raises Refusal."""
        holder = holders.order_by("created_at").first()
        if holder is None:
            raise Refusal(
                "needs_opt_in", "There is no contact with this number or id. Add them with their opt-in first."
            )
        try:
            template = message_input.template_of(channel, wanted)
        except replies.Refused as refused:
            raise _refusal(refused) from refused
        facts = policy.facts_about(channel, [holder.contact_id])[holder.contact_id]
        what = policy.Outgoing(is_template=True, category=template.category)
        if refusal := policy.decide(facts, self.actor, what).refused:
            raise _refusal(refusal)
        opened, _ = Conversation.objects.get_or_create(
            channel=channel, contact_id=holder.contact_id, defaults={"last_message_at": timezone.now()}
        )
        return opened  # type: ignore[no-any-return]


class OneMessage(ApiView):
    """One message."""

    required_scopes = {
        "GET": P.CONVERSATIONS_VIEW, "PATCH": P.CONVERSATIONS_REPLY, "DELETE": P.CONVERSATIONS_REPLY,
    }  # fmt: skip

    @extend_schema(operation_id="messages_read", responses=MessageOut)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a message and how far it came."""
        return Response(_message(id))

    @extend_schema(operation_id="messages_reschedule", request=ScheduledChange, responses=MessageOut)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change a message that waits for its time."""
        values = self.valid(ScheduledChange, request.data)
        _message(id)
        try:
            scheduled.change(id, self.actor, send_at=values.get("send_at"), text=values.get("text"))
        except replies.Refused as refused:
            raise _refusal(refused) from refused
        return Response(_message(id))

    @extend_schema(operation_id="messages_cancel", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Do not send a message that waits for its time: it is deleted."""
        _message(id)
        try:
            scheduled.cancel(id, self.actor)
        except replies.Refused as refused:
            raise _refusal(refused) from refused
        return Response(status=204)


class ContactReveal(ApiView):
    """A contact's identifiers."""

    required_scopes = {"POST": P.IDENTIFIERS_REVEAL}

    @extend_schema(
        operation_id="contacts_reveal",
        request=inline_serializer("ContactRevealRequest", {}),
        responses={200: IdentifiersOut},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Reveal the contact's numbers and ids. Each is recorded in the audit log, each time."""
        with transaction.atomic():
            if not Contact.objects.filter(pk=id).exists():
                raise Http404
            handles = list(Handle.objects.filter(contact_id=id).order_by("created_at"))
            shown = masking.reveal(handles, self.actor)
        rows = [
            {"id": each.pk, "provider": each.provider, "kind": each.kind, "value": shown[each.pk]}
            for each in handles
            if each.pk in shown
        ]
        return Response({"identifiers": rows})


urlpatterns = [
    path("contacts/<uuid:id>/reveal/", ContactReveal.as_view(), name="contact_reveal"),
    path("conversations/", Conversations.as_view(), name="conversations"),
    path("conversations/<uuid:id>/", OneConversation.as_view(), name="conversation"),
    path("conversations/<uuid:id>/messages/", MessagesOfConversation.as_view(), name="conversation_messages"),
    path("messages/", Messages.as_view(), name="messages"),
    path("messages/<uuid:id>/", OneMessage.as_view(), name="message"),
]
