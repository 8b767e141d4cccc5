"""The endpoints of templates."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView, PageQuery, TextField, keyset_page
from accounts.roles import Permission as P
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import drafts, form, keeping, shown, words
from channels_app.templates.drafts import ButtonWanted, Wanted
from omnistra.core.sealing import preload
from omnistra.problems import Refusal


class SlotOut(serializers.Serializer[Any]):
    """One thing to fill in: `key` names it in `values` of a message."""

    key = serializers.CharField()
    example = serializers.CharField(allow_blank=True)
    button = serializers.CharField(allow_blank=True, help_text="The words on the button that it belongs to.")


class ButtonField(serializers.Serializer[Any]):
    """A button of a template."""

    kind = serializers.ChoiceField(choices=["quick_reply", "url", "phone_number"])
    text = TextField(max_length=200)
    target = TextField(max_length=2100, required=False, allow_blank=True, default="")


class TemplateOut(serializers.Serializer[Any]):
    """A template of an account."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()
    coming_category = serializers.CharField(allow_blank=True, help_text="What the platform announced to make of it.")
    status = serializers.CharField()
    quality = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was rejected, in words.")
    header = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    footer = serializers.CharField(allow_blank=True)
    buttons = serializers.ListField(child=serializers.CharField())
    slots = SlotOut(many=True)
    created_at = serializers.DateTimeField()


class TemplatePage(serializers.Serializer[Any]):
    """A page of templates."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = TemplateOut(many=True)


class TemplateQuery(PageQuery):
    """Filters of the list."""

    channel = serializers.UUIDField(required=False)
    name = TextField(max_length=512, required=False)
    status = TextField(max_length=30, required=False)


class TemplateText(serializers.Serializer[Any]):
    """What may change of a template."""

    category = serializers.ChoiceField(choices=drafts.CATEGORIES)
    header = TextField(max_length=200, required=False, allow_blank=True, default="")
    body = TextField(max_length=4000)
    footer = TextField(max_length=200, required=False, allow_blank=True, default="")
    buttons = ButtonField(many=True, required=False, default=list)
    examples = serializers.DictField(child=TextField(max_length=1024), required=False, default=dict)


class TemplateNew(TemplateText):
    """A template to hand in."""

    channel = serializers.UUIDField()
    name = TextField(max_length=512)
    language = TextField(max_length=20)


def represent(row: MessageTemplate) -> dict[str, Any]:
    """A template as the API shows it."""
    read = form.read(row.components)
    return {
        "id": row.pk,
        "provider": row.provider,
        "name": row.name,
        "language": row.language,
        "category": row.category,
        "coming_category": row.coming_category,
        "status": row.status,
        "quality": row.quality,
        "reason": words.reason(row.reason),
        "header": read.header or read.header_file,
        "body": read.body,
        "footer": read.footer,
        "buttons": [each.text for each in read.buttons],
        "slots": shown.slots(read),
        "created_at": row.created_at,
    }


def _wanted(values: dict[str, Any], name: str, language: str) -> Wanted:
    return Wanted(
        name=name, language=language, category=values["category"], header=values["header"], body=values["body"],
        footer=values["footer"], examples=values["examples"],
        buttons=[ButtonWanted(each["kind"], each["text"], each["target"]) for each in values["buttons"]],
    )  # fmt: skip


def _refusal(error: keeping.NotDone) -> Exception:
    if error.code == "not_valid":
        return serializers.ValidationError({name or "non_field_errors": [why] for name, why in error.problems.items()})
    return Refusal(error.code, str(error))


def _show(template_id: UUID) -> Any:
    with transaction.atomic():
        row = MessageTemplate.objects.filter(pk=template_id).first()
        if row is None:
            raise Http404
        return represent(row)


def _found(template_id: UUID) -> tuple[Channel, MessageTemplate]:
    """The template, and a channel by which its account is asked."""
    with transaction.atomic():
        row = MessageTemplate.objects.filter(pk=template_id).first()
        if row is None:
            raise Http404
        preload([row])
        of_account = Channel.objects.filter(provider=row.provider, account_id=row.account_id)
        channel = of_account.exclude(status=Channel.Status.DISCONNECTED).order_by("created_at").first()
        if channel is None:
            raise Refusal("channel_disconnected", "The channel of this template is disconnected.")
        preload([channel])
    return channel, row


class Templates(ApiView):
    """All templates."""

    required_scopes = {"GET": P.CHANNELS_VIEW, "POST": P.CHANNELS_MANAGE}

    @extend_schema(operation_id="templates_list", parameters=[TemplateQuery], responses=TemplatePage)
    def get(self, request: Request) -> Response:
        """List the templates, the latest first."""
        query = self.valid(TemplateQuery, request.query_params)
        with transaction.atomic():
            rows = MessageTemplate.objects.filter(**{name: query[name] for name in ("name", "status") if name in query})
            if "channel" in query:
                channel = Channel.objects.filter(pk=query["channel"]).defer("credentials").first()
                of_channel = keeping.of_channel(channel) if channel else rows.none()
                rows = rows.filter(pk__in=of_channel.values("pk"))
            found, around = keyset_page(request, rows, "created_at", query)
            preload(found)
            return Response(around | {"results": [represent(row) for row in found]})

    @extend_schema(operation_id="templates_create", request=TemplateNew, responses={201: TemplateOut})
    def post(self, request: Request) -> Response:
        """Hand a template in. The platform reviews it."""
        values = self.valid(TemplateNew, request.data)
        with transaction.atomic():
            channel = Channel.objects.filter(pk=values["channel"]).first()
            if channel is None:
                raise serializers.ValidationError({"channel": ["No channel of this workspace has this id."]})
            preload([channel])
        wanted = _wanted(values, values["name"], values["language"])

        def make(_: UUID) -> UUID:
            try:
                return UUID(str(keeping.create(channel, wanted, self.actor).pk))
            except keeping.NotDone as error:
                raise _refusal(error) from error

        return self.once(request, make, _show)


class OneTemplate(ApiView):
    """One template."""

    required_scopes = {"GET": P.CHANNELS_VIEW, "PATCH": P.CHANNELS_MANAGE, "DELETE": P.CHANNELS_MANAGE}

    @extend_schema(operation_id="templates_read", responses=TemplateOut)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a template."""
        return Response(_show(id))

    @extend_schema(operation_id="templates_change", request=TemplateText, responses=TemplateOut)
    def patch(self, request: Request, id: UUID) -> Response:
        """Hand in another text of it. The platform reviews it anew."""
        values = self.valid(TemplateText, request.data)
        channel, row = _found(id)
        try:
            keeping.edit(channel, row, _wanted(values, row.name, row.language), self.actor)
        except keeping.NotDone as error:
            raise _refusal(error) from error
        return Response(_show(id))

    @extend_schema(operation_id="templates_delete", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete this language of it. The platform keeps the name for 30 days."""
        channel, row = _found(id)
        try:
            keeping.delete(channel, row, self.actor)
        except keeping.NotDone as error:
            raise _refusal(error) from error
        return Response(status=204)


urlpatterns = [
    path("templates/", Templates.as_view(), name="templates"),
    path("templates/<uuid:id>/", OneTemplate.as_view(), name="template"),
]
