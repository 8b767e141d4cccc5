"""Operators' view of connected numbers: no credentials."""

from django.contrib import admin

from channels_app.models import Channel
from omnistra.core.read_only import ReadOnlyAdmin


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "provider", "external_id", "status", "status_reason", "checked_at")
    list_select_related = ("workspace",)
    list_filter = ("provider", "status")
