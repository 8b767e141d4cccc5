"""Operators' view of the purges: counts per store."""

from django.contrib import admin

from omnistra.core.read_only import ReadOnlyAdmin
from privacy.models import PurgeRun


@admin.register(PurgeRun)
class PurgeRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "trigger", "counts", "started_at", "finished_at")
    list_select_related = ("workspace",)
    list_filter = ("trigger",)
