"""Operators' view of workspaces and their members."""

from django.contrib import admin

from accounts.models import Membership, Workspace
from omnistra.core.read_only import ReadOnlyAdmin


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "created_at")
    search_fields = ("slug", "name")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "user", "role", "created_at")
    list_select_related = ("workspace", "user")
    list_filter = ("role",)
