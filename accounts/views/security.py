"""A workspace's rule for its members' sign-in."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import MemberRequest, requires
from accounts.audit import Actor, record
from accounts.models import Membership
from accounts.roles import Permission
from accounts.second_factor import policy
from accounts.second_factor.fresh import fresh

NAMED = 50  # members without a factor that the page names


@requires(Permission.SECURITY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def security(request: MemberRequest) -> HttpResponse:
    """Whether every member needs a second factor, and who has none."""
    if request.method == "POST":
        return _switch(request)
    return _page(request)


@fresh
def _switch(request: Any) -> HttpResponse:
    required = request.POST.get("required") == "on"
    workspace = request.member.workspace
    if required and not policy.has_factor(request.user):
        error = _("Set up a second factor for yourself first: you would be shut out at the next click.")
        return _page(request, error=error, status=422)
    if required != workspace.requires_second_factor:
        workspace.require_second_factor(required)
        record("workspace.second_factor_rule", Actor.member(request.member), workspace.pk, ["requires_second_factor"])
    messages.success(
        request,
        _("Every member needs a second factor now.") if required else _("A second factor is no longer required."),
    )
    return redirect("accounts:security", workspace.slug)


def _page(request: Any, status: int = 200, error: str = "") -> HttpResponse:
    members = Membership.objects.filter(user__is_active=True)
    lacking = members.exclude(policy.factors_of("user")).select_related("user").order_by("user__name", "pk")
    number, without = members.count(), lacking.count()
    context = {
        "section": "security", "error": error, "number": number, "having": number - without, "without": without,
        "lacking": lacking[:NAMED] if request.member.may(Permission.MEMBERS_VIEW) else (),
        "more": max(0, without - NAMED),
    }  # fmt: skip
    return render(request, "accounts/security.html", context, status=status)
