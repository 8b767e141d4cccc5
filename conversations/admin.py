"""Operators' view of the journal and the outbox: states, times and reasons, never a text, a name or a number."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from channels_app.models import RawEvent
from conversations import ingest, operator_access  # noqa: F401  (registers the page of access grants)
from conversations.models import Delivery
from omnistra.core.read_only import ReadOnlyAdmin


@admin.register(RawEvent)
class RawEventAdmin(ReadOnlyAdmin):
    """Here and not in channels_app, because replaying is the conversations' business."""

    list_display = ("id", "provider", "state", "reason", "received_at", "processed_at")
    list_filter = ("state", "provider")
    actions = ("replay",)

    @admin.action(description="Put back into the journal what was set aside")
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Only what was set aside: what is done stays done."""
        chosen = list(queryset.filter(state=RawEvent.State.ASIDE))
        for event in chosen:
            ingest.replay(event)
        self.message_user(request, f"{len(chosen)} put back into the journal.", messages.SUCCESS)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "state", "attempts", "error_code", "next_attempt_at", "settled_at")
    list_select_related = ("workspace",)
    list_filter = ("state",)
