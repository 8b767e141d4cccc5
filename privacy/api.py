"""The endpoints of retention."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView
from accounts.roles import Permission as P
from privacy import retention
from privacy.models import RetentionPolicy
from privacy.retention import Days, Settings

_DAYS: dict[str, Any] = {"min_value": 1, "max_value": RetentionPolicy.MAX_DAYS, "allow_null": True, "default": None}


class DaysForm(serializers.Serializer[Any]):
    """Days that each class is kept; null keeps until asked."""

    conversation_days = serializers.IntegerField(**_DAYS)
    message_days = serializers.IntegerField(**_DAYS)
    media_days = serializers.IntegerField(**_DAYS)


class RetentionForm(DaysForm):
    """The workspace's retention, and that of channels that differ (channel id -> days)."""

    channels = serializers.DictField(child=DaysForm(), default=dict)


class PreviewOut(serializers.Serializer[Any]):
    """What a purge would delete now, per class."""

    counts = serializers.DictField(child=serializers.IntegerField())


def _days(values: dict[str, Any]) -> Days:
    return Days(values["conversation_days"], values["message_days"], values["media_days"])


def _shown_days(days: Days) -> dict[str, int | None]:
    return {"conversation_days": days.conversation, "message_days": days.message, "media_days": days.media}


def _shown(settings: Settings) -> dict[str, Any]:
    channels = {str(channel): _shown_days(days) for channel, days in settings.channels.items()}
    return _shown_days(settings.default) | {"channels": channels}


def _settings(values: dict[str, Any]) -> Settings:
    """The settings of a body. Raises ValidationError for a channel that is not the workspace's."""
    channels: dict[UUID, Days] = {}
    for name, days in values["channels"].items():
        try:
            channels[UUID(name)] = _days(days)
        except ValueError as error:
            raise serializers.ValidationError({"channels": ["The keys are channel ids."]}) from error
    known = apps.get_model("channels_app", "Channel").objects.filter(pk__in=list(channels)).count()  # type: ignore[attr-defined]
    if known != len(channels):
        raise serializers.ValidationError({"channels": ["A key is not a channel of this workspace."]})
    return Settings(_days(values), channels)


class Retention(ApiView):
    """The workspace's retention."""

    required_scopes = {"GET": P.RETENTION_VIEW, "PUT": P.RETENTION_MANAGE}

    @extend_schema(operation_id="retention_read", responses=RetentionForm)
    def get(self, request: Request) -> Response:
        """Read how long what is kept."""
        with transaction.atomic():
            return Response(_shown(retention.current()))

    @extend_schema(operation_id="retention_change", request=RetentionForm, responses=RetentionForm)
    def put(self, request: Request) -> Response:
        """Set how long what is kept. The hourly purge acts on it."""
        values = self.valid(RetentionForm, request.data)
        with transaction.atomic():
            retention.change(_settings(values), self.actor)
            return Response(_shown(retention.current()))


class RetentionPreview(ApiView):
    """A purge before it happens."""

    required_scopes = {"POST": P.RETENTION_VIEW}

    @extend_schema(operation_id="retention_preview", request=RetentionForm, responses=PreviewOut)
    def post(self, request: Request) -> Response:
        """Count what these settings would delete now. Changes nothing."""
        values = self.valid(RetentionForm, request.data)
        with transaction.atomic():
            return Response({"counts": retention.preview(_settings(values))})


urlpatterns = [
    path("privacy/retention/", Retention.as_view(), name="retention"),
    path("privacy/retention/preview/", RetentionPreview.as_view(), name="retention_preview"),
]
