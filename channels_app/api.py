"""The endpoints of channels."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView, PageQuery, TextField, keyset_page
from accounts.roles import Permission as P
from channels_app import connect
from channels_app.models import Channel, Provider
from omnistra.core.addresses import client_address
from omnistra.problems import Refusal


class ChannelOut(serializers.ModelSerializer[Channel]):
    """A connected number. Its token is never shown."""

    class Meta:
        model = Channel
        fields = (
            "id", "provider", "external_id", "account_id", "name", "address", "status", "status_reason",
            "checked_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ChannelPage(serializers.Serializer[Any]):
    """A page of channels."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = ChannelOut(many=True)


class Credentials(serializers.Serializer[Any]):
    """What the platform gave. It is checked, sealed, and shown to nobody."""

    token = TextField(max_length=4096, write_only=True)
    account_id = TextField(max_length=64, help_text="WhatsApp: the business account id.")


class NewCredentials(serializers.Serializer[Any]):
    """A new token."""

    token = TextField(max_length=4096, write_only=True)
    account_id = TextField(max_length=64, required=False)


class ChannelNew(serializers.Serializer[Any]):
    """A number to connect."""

    provider = serializers.ChoiceField(choices=Provider.choices)
    name = TextField(max_length=120, required=False, allow_blank=True, default="")
    external_id = TextField(max_length=64, help_text="WhatsApp: the phone number id.")
    credentials = Credentials()
    terms_accepted = serializers.BooleanField(default=False)


class ChannelChange(serializers.Serializer[Any]):
    """What may change of a channel."""

    name = TextField(max_length=120, required=False)
    credentials = NewCredentials(required=False)


def _shown(channel_id: UUID) -> Any:
    return ChannelOut(_found(channel_id)).data


def _found(channel_id: UUID) -> Channel:
    try:
        return connect.find(channel_id)
    except Channel.DoesNotExist as error:
        raise Http404 from error


def _refusal(error: connect.NotConnected) -> Exception:
    if error.field and error.code in ("not_valid", "unknown_provider"):
        name = f"credentials.{error.field}" if error.field in ("token", "account_id") else error.field
        return serializers.ValidationError({name: [error.reason]})
    return Refusal(error.code, error.reason)


class Channels(ApiView):
    """All channels."""

    required_scopes = {"GET": P.CHANNELS_VIEW, "POST": P.CHANNELS_MANAGE}

    @extend_schema(operation_id="channels_list", parameters=[PageQuery], responses=ChannelPage)
    def get(self, request: Request) -> Response:
        """List the channels."""
        query = self.valid(PageQuery, request.query_params)
        with transaction.atomic():
            rows, around = keyset_page(request, Channel.objects.defer("credentials"), "created_at", query)
        return Response(around | {"results": ChannelOut(rows, many=True).data})

    @extend_schema(operation_id="channels_connect", request=ChannelNew, responses={201: ChannelOut})
    def post(self, request: Request) -> Response:
        """Connect a number: its token is checked with the platform first."""
        values = self.valid(ChannelNew, request.data)
        wanted = connect.Wanted(
            provider=values["provider"],
            external_id=values["external_id"],
            account_id=values["credentials"]["account_id"],
            token=values["credentials"]["token"],
            name=values["name"],
            terms_accepted=values["terms_accepted"],
        )

        def make(_: UUID) -> UUID:
            try:
                return UUID(str(connect.connect(wanted, self.actor, ip=client_address(request) or None).pk))
            except connect.NotConnected as error:
                raise _refusal(error) from error

        return self.once(request, make, _shown)


class OneChannel(ApiView):
    """One channel."""

    required_scopes = {"GET": P.CHANNELS_VIEW, "PATCH": P.CHANNELS_MANAGE, "DELETE": P.CHANNELS_MANAGE}

    @extend_schema(operation_id="channels_read", responses=ChannelOut)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a channel."""
        return Response(_shown(id))

    @extend_schema(operation_id="channels_change", request=ChannelChange, responses=ChannelOut)
    def patch(self, request: Request, id: UUID) -> Response:
        """Rename it, or give it a new token."""
        values = self.valid(ChannelChange, request.data)
        channel = _found(id)
        if credentials := values.get("credentials"):
            try:
                connect.reconnect(channel, credentials["token"], self.actor, credentials.get("account_id", ""))
            except connect.NotConnected as error:
                raise _refusal(error) from error
        if "name" in values:
            with transaction.atomic():
                connect.rename(channel, values["name"], self.actor)
        return Response(_shown(id))

    @extend_schema(operation_id="channels_disconnect", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Disconnect it. Its conversations stay until retention takes them."""
        connect.disconnect(_found(id), self.actor)
        return Response(status=204)


class ChannelCheck(ApiView):
    """A channel's connection."""

    required_scopes = {"POST": P.CHANNELS_MANAGE}

    @extend_schema(
        operation_id="channels_check", request=inline_serializer("ChannelCheckRequest", {}), responses=ChannelOut
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Ask the platform whether the token still holds. Has no second effect when it is repeated."""
        try:
            connect.check(_found(id), self.actor)
        except connect.NotConnected as error:
            raise _refusal(error) from error
        return Response(_shown(id))


urlpatterns = [
    path("channels/", Channels.as_view(), name="channels"),
    path("channels/<uuid:id>/", OneChannel.as_view(), name="channel"),
    path("channels/<uuid:id>/check/", ChannelCheck.as_view(), name="channel_check"),
]
