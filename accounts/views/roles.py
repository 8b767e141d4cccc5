"""The roles of a workspace: the built-in ones as a table, its own ones to make, change and delete."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import custom_roles
from accounts.access import MemberRequest, requires
from accounts.forms.roles import RoleForm
from accounts.members import Refused
from accounts.models import CustomRole, Membership
from accounts.roles import GROUPS, PERMISSIONS, ROLE_WORDS, Permission, Role


@requires(Permission.MEMBERS_VIEW)
@require_GET
def roles(request: MemberRequest) -> HttpResponse:
    """What each role allows."""
    return _page(request)


@requires(Permission.ROLES_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_role(request: MemberRequest) -> HttpResponse:
    """Make a role."""
    form = RoleForm(request.POST if request.method == "POST" else None, giver=request.member)
    if request.method == "POST" and form.is_valid():
        try:
            custom_roles.create(request.member, form.cleaned_data["name"], form.permissions)
        except Refused as refused:
            form.add_error("name", refused.reason)
        else:
            return _done(request, _("The role can be given now."))
    return _form_page(request, form, None)


@requires(Permission.ROLES_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Change a role, for everybody who has it."""
    found = CustomRole.objects.filter(pk=identity).first()
    if found is None:
        raise Http404
    form = RoleForm(request.POST if request.method == "POST" else None, giver=request.member, role=found)
    if request.method == "POST" and form.is_valid():
        try:
            custom_roles.change(request.member, identity, form.cleaned_data["name"], form.permissions)
        except Refused as refused:
            form.add_error("name", refused.reason)
        else:
            return _done(request, _("Saved. It holds for everybody with this role."))
    return _form_page(request, form, found)


@requires(Permission.ROLES_MANAGE)
@require_POST
def delete_role(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Delete a role that nobody has."""
    try:
        custom_roles.delete(request.member, identity)
    except CustomRole.DoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        return _page(request, refused.reason, 422)
    return _done(request, _("The role is deleted."))


def _done(request: MemberRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("accounts:roles", request.member.workspace.slug)


def _page(request: MemberRequest, problem: str = "", status: int = 200) -> HttpResponse:
    holders = Membership.objects.filter(custom_role=OuterRef("pk")).values("custom_role")
    counted = Subquery(holders.annotate(number=Count("pk")).values("number"))
    own = CustomRole.objects.annotate(members=Coalesce(counted, 0)).order_by("name")
    context: dict[str, Any] = {
        "section": "roles",
        "roles": [(each.label, ROLE_WORDS[each]) for each in Role],
        "groups": [
            (title, [(words, [each in PERMISSIONS[role] for role in Role]) for each, words in group.items()])
            for title, group in GROUPS
        ],
        "own": [
            (each, [words for _title, group in GROUPS for one, words in group.items() if one in each.allowed])
            for each in own
        ],
        "reach": {each.pk for each in own if request.member.covers(each.allowed)},
        "problem": problem,
    }
    return render(request, "accounts/roles.html", context, status=status)


def _form_page(request: MemberRequest, form: RoleForm, found: CustomRole | None) -> HttpResponse:
    context = {
        "section": "roles",
        "form": form,
        "found": found,
        "beyond": found is not None and not request.member.covers(found.allowed),
    }
    return render(request, "accounts/role.html", context, status=422 if request.method == "POST" else 200)
