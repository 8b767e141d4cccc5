"""The members of a workspace."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.models import Membership
from accounts.roles import Permission


@requires(Permission.MEMBERS_VIEW)
@require_GET
def members(request: HttpRequest) -> HttpResponse:
    """Who is in the workspace, with which role."""
    people = Membership.objects.select_related("user").order_by("created_at")
    return render(request, "accounts/members.html", {"section": "members", "people": people})
