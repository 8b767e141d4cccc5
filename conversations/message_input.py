"""What the API takes as a message: words, buttons or a list, a template, a place, cards, a reaction; at once or later."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers

from accounts.api_views import TextField
from accounts.audit import Actor
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import keeping
from conversations import replies, scheduled, sending
from conversations.models import Conversation, Message
from omnistra.core.sealing import preload

KINDS = ("text", "choices", "template", "location", "contacts", "reaction")


class ChoiceIn(serializers.Serializer[Any]):
    """A button or a row: its id comes back with the answer."""

    id = TextField(max_length=256)
    title = TextField(max_length=200)
    description = TextField(max_length=200, required=False, allow_blank=True, default="")


class SectionIn(serializers.Serializer[Any]):
    """A part of a list."""

    title = TextField(max_length=100, required=False, allow_blank=True, default="")
    rows = ChoiceIn(many=True)


class ChoicesIn(serializers.Serializer[Any]):
    """What may be tapped: `buttons` under the text, or `sections` of a list that `button` opens."""

    buttons = ChoiceIn(many=True, required=False, default=list)
    sections = SectionIn(many=True, required=False, default=list)
    button = TextField(max_length=100, required=False, allow_blank=True, default="")
    header = TextField(max_length=200, required=False, allow_blank=True, default="")
    footer = TextField(max_length=200, required=False, allow_blank=True, default="")


class TemplateIn(serializers.Serializer[Any]):
    """A template, by its id or by name and language, with what fills it: GET /templates/ lists the `slots`."""

    id = serializers.UUIDField(required=False)
    name = TextField(max_length=512, required=False, default="")
    language = TextField(max_length=20, required=False, default="")
    values = serializers.DictField(child=TextField(max_length=2000, allow_blank=True), required=False, default=dict)


class ReactionIn(serializers.Serializer[Any]):
    """A mark on a message; an empty `emoji` takes it back."""

    message = serializers.UUIDField()
    emoji = TextField(max_length=40, allow_blank=True)


class LocationIn(serializers.Serializer[Any]):
    """A place."""

    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)
    name = TextField(max_length=500, required=False)
    address = TextField(max_length=500, required=False)


class CardIn(serializers.Serializer[Any]):
    """A contact card."""

    name = TextField(max_length=200)
    phones = serializers.ListField(child=TextField(max_length=40), required=False, max_length=20)
    emails = serializers.ListField(child=serializers.EmailField(), required=False, max_length=20)
    org = TextField(max_length=200, required=False)


class Sent(serializers.Serializer[Any]):
    """What is sent. `type` may be left out: it follows from what is there."""

    type = serializers.ChoiceField(choices=KINDS, required=False)
    text = TextField(max_length=65536, trim_whitespace=False, required=False)
    choices = ChoicesIn(required=False)
    template = TemplateIn(required=False)
    location = LocationIn(required=False)
    contacts = serializers.ListField(child=CardIn(), required=False, max_length=20)
    reaction = ReactionIn(required=False)
    send_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Not before then.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One kind of content, and the one that `type` names."""
        found = [kind for kind in KINDS[1:] if attrs.get(kind)]
        kind = attrs.get("type") or (found[0] if found else "text")
        if len(found) > 1 or (found and found[0] != kind) or (not found and kind != "text"):
            raise serializers.ValidationError({"type": [f"Give what belongs to one type: {', '.join(KINDS)}."]})
        if kind in ("text", "choices") and not attrs.get("text"):
            raise serializers.ValidationError({"text": ["This field is required."]})
        if kind == "reaction" and attrs.get("send_at"):
            raise serializers.ValidationError({"send_at": ["A reaction is sent at once."]})
        attrs["type"] = kind
        return attrs


def send(
    conversation: Conversation, values: Mapping[str, Any], by: Actor, nonce: UUID, reply_to: Message | None = None
) -> Message:
    """Send what a checked body says. Raises Refused, and Http404 for ids that are none here."""
    kind, send_at = values["type"], values.get("send_at")
    if send_at is not None:
        scheduled.check_time(send_at)
    if kind == "template":
        wanted = values["template"]
        template = template_of(conversation.channel, wanted)
        return sending.send_template(conversation, template, wanted["values"], by, nonce=nonce, send_at=send_at)
    if kind == "reaction":
        target = (
            Message.objects.select_related("conversation__channel")
            .filter(pk=values["reaction"]["message"], conversation=conversation)
            .first()
        )
        if target is None:
            raise Http404("No message of this conversation has this id.")
        return sending.react(target, values["reaction"]["emoji"], by, nonce=nonce)
    more: dict[str, Any] = {"reply_to": reply_to, "nonce": nonce, "send_at": send_at}
    if kind == "choices":
        return sending.send_choices(conversation, values["text"], _plain(values["choices"]), by, **more)
    if kind == "location":
        return sending.send_location(conversation, values["location"], by, **more)
    if kind == "contacts":
        return sending.send_cards(conversation, [_plain(each) for each in values["contacts"]], by, **more)
    return replies.send_reply(conversation, values["text"], by, **more)[0]


def _plain(value: Any) -> Any:
    """Without the serializers' own kinds of dict."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def template_of(channel: Channel, wanted: Mapping[str, Any]) -> MessageTemplate:
    """The template that a body names, whatever its status. Raises Refused and Http404."""
    if "id" not in wanted:
        return sending.find_template(channel, wanted["name"], wanted["language"])
    found = keeping.of_channel(channel).filter(pk=wanted["id"]).first()
    if found is None:
        raise Http404("This channel has no template with this id.")
    preload([found])
    return found  # type: ignore[no-any-return]
