"""The endpoint of the audit log."""

from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import MAX_PAGE, PAGE, ApiView
from accounts.audit import actions, log
from accounts.models import AuditEntry
from accounts.roles import Permission as P


class AuditEntryOut(serializers.Serializer[Any]):
    """Who did what to which row, when. Ids and field names; `number` and `hash` prove that nothing was changed."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor_kind = serializers.ChoiceField(choices=AuditEntry.Actor.choices)
    actor = serializers.UUIDField(allow_null=True, source="actor_id")
    target = serializers.UUIDField(allow_null=True, source="target_id")
    fields = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # taken out by DRF's metaclass
    hash = serializers.SerializerMethodField()

    def get_hash(self, entry: AuditEntry) -> str:
        return bytes(entry.hash or b"").hex()


class AuditPage(serializers.Serializer[Any]):
    """A page of entries."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = AuditEntryOut(many=True)


class AuditQuery(serializers.Serializer[Any]):
    """Filters of the list. `since` is included, `until` is not."""

    cursor = serializers.RegexField(rf"\A{log.CURSOR.pattern}\Z", required=False, help_text="From `next`, `previous`.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=PAGE)
    group = serializers.ChoiceField(choices=list(actions.GROUPS), required=False)
    action = serializers.ChoiceField(choices=list(actions.ACTIONS), required=False)
    actor = serializers.UUIDField(required=False)
    actor_kind = serializers.ChoiceField(choices=AuditEntry.Actor.values, required=False)
    target = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class AuditLog(ApiView):
    """The audit log."""

    required_scopes = {"GET": P.AUDIT_VIEW}

    @extend_schema(operation_id="audit_list", parameters=[AuditQuery], responses=AuditPage)
    def get(self, request: Request) -> Response:
        """List what was done, the latest first."""
        query = self.valid(AuditQuery, request.query_params)
        cursor, limit = query.pop("cursor", ""), query.pop("limit")
        with transaction.atomic():
            page = log.page(log.Filters(**query).apply(), cursor, limit)

        def address(to: str) -> str | None:
            parameters = request.GET.copy()
            parameters["cursor"] = to
            return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}") if to else None

        return Response(
            {
                "next": address(page.older),
                "previous": address(page.newer),
                "results": AuditEntryOut(page.entries, many=True).data,
            }
        )


urlpatterns = [path("audit/", AuditLog.as_view(), name="audit")]
