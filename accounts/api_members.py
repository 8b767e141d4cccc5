"""The endpoint of members."""

from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView, PageQuery, keyset_page
from accounts.models import Membership
from accounts.roles import CUSTOM, Role
from accounts.roles import Permission as P


class MemberOut(serializers.Serializer[Any]):
    """A person in the workspace."""

    id = serializers.UUIDField(help_text="What conversations name as their assignee.")
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")
    role = serializers.ChoiceField(choices=[*Role.choices, (CUSTOM, "Custom role")])
    role_name = serializers.CharField(help_text="As pages show it; that of a custom role is the workspace's own.")
    custom_role = serializers.UUIDField(source="custom_role_id", allow_null=True)
    channels = serializers.ListField(
        child=serializers.UUIDField(), source="channel_ids", allow_null=True, help_text="null: all channels."
    )
    created_at = serializers.DateTimeField(help_text="When they joined.")
    last_seen_at = serializers.DateTimeField(allow_null=True, help_text="To about five minutes.")


class MemberPage(serializers.Serializer[Any]):
    """A page of members."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = MemberOut(many=True)


class Members(ApiView):
    """All members."""

    required_scopes = {"GET": P.MEMBERS_VIEW}

    @extend_schema(operation_id="members_list", parameters=[PageQuery], responses=MemberPage)
    def get(self, request: Request) -> Response:
        """List the members, who joined last first."""
        query = self.valid(PageQuery, request.query_params)
        with transaction.atomic():
            rows, around = keyset_page(
                request, Membership.objects.select_related("user", "custom_role"), "created_at", query
            )
            return Response(around | {"results": MemberOut(rows, many=True).data})


urlpatterns = [path("members/", Members.as_view(), name="members")]
