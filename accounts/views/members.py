"""The members of a workspace: who they are, changing, removing, handing over, leaving."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import jobs, registry
from accounts import members as changing
from accounts.access import MemberRequest, landing, requires
from accounts.forms.members import ConfirmForm, PlaceForm, TransferForm
from accounts.members import Refused
from accounts.models import CustomRole, Invitation, Membership
from accounts.roles import GROUPS, Permission
from omnistra.core.sealing import preload


@requires(Permission.MEMBERS_VIEW)
@require_GET
def members(request: MemberRequest) -> HttpResponse:
    """Who is in the workspace with which role, and who is invited."""
    me = request.member
    people = list(Membership.objects.select_related("user", "custom_role").order_by("created_at", "id"))
    invited: list[Invitation] = []
    if me.may(Permission.MEMBERS_MANAGE):
        invited = list(Invitation.objects.unanswered().with_sender().order_by("-created_at"))
        preload(invited)
    channels = registry.channel_names()
    context = {
        "section": "members",
        "people": [(each, _channels(each, channels), me.may_give(each)) for each in people],
        "invited": [(each, _channels(each, channels), me.may_give(each)) for each in invited],
        "several": len(people) > 1,
    }
    return render(request, "accounts/members.html", context)


def _channels(holder: Membership | Invitation, names: dict[UUID, str]) -> list[str] | None:
    """The names of the channels that it is limited to; None for all."""
    return None if holder.channel_ids is None else [name for key, name in names.items() if key in holder.channel_ids]


@requires(Permission.MEMBERS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: MemberRequest, identity: UUID) -> HttpResponse:
    """One member; POST gives them another role or other channels."""
    found = _found(request, identity)
    form = _place_form(request, found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            changing.change(request.member, identity, form.place)
        except Refused as refused:
            form.add_error(None, refused.reason)
        else:
            messages.success(request, _("Saved. It holds from the next click on."))
            return redirect("accounts:members", request.member.workspace.slug)
    return _member_page(request, found, form, _removal(), 422 if request.method == "POST" else 200)


@requires(Permission.MEMBERS_MANAGE)
@require_POST
def remove(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Take a member out, once the box is ticked."""
    found = _found(request, identity)
    form = _removal(request.POST)
    if form.is_valid():
        try:
            changing.remove(request.member, identity)
        except Refused as refused:
            form.add_error(None, refused.reason)
        else:
            messages.success(request, _("Removed. Their conversations wait for somebody else."))
            return redirect("accounts:members", request.member.workspace.slug)
    return _member_page(request, found, _place_form(request, found), form, 422)


@requires(Permission.WORKSPACE_TRANSFER)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: MemberRequest) -> HttpResponse:
    """Hand the workspace over to another member."""
    me = request.member
    others = list(Membership.objects.select_related("user").exclude(pk=me.pk).order_by("user__name", "id"))
    form = TransferForm(request.POST or None, workspace=me.workspace, others=others)
    if request.method == "POST" and form.is_valid():
        try:
            heir = changing.transfer(me, form.cleaned_data["heir"])
        except Refused as refused:
            form.add_error(None, refused.reason)
        except Membership.DoesNotExist:
            form.add_error("heir", _("This member has just gone."))
        else:
            jobs.tell_of_transfer.enqueue(me.workspace_id, me.pk, heir.pk)
            messages.success(request, _("%s owns the workspace now. You are an admin.") % heir.user.name)
            return redirect("accounts:members", me.workspace.slug)
    context = {"section": "members", "form": form, "others": others}
    return render(request, "accounts/transfer.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.WORKSPACE_VIEW)
@require_GET
def membership(request: MemberRequest) -> HttpResponse:
    """One's own place here: role, what it allows, leaving."""
    return _own_page(request, _leaving())


@requires(Permission.WORKSPACE_VIEW)
@require_POST
def leave(request: MemberRequest) -> HttpResponse:
    """Go, once the box is ticked."""
    form = _leaving(request.POST)
    if form.is_valid():
        try:
            changing.leave(request.member)
        except Refused as refused:
            form.add_error(None, refused.reason)
        else:
            messages.success(request, _("You have left %s.") % request.member.workspace.name)
            return redirect(landing(request.user))
    return _own_page(request, form, 422)


def _found(request: MemberRequest, identity: UUID) -> Membership:
    """A member whom the one who asks may change. Raises Http404, PermissionDenied."""
    try:
        found = changing.find(identity)
    except Membership.DoesNotExist as error:
        raise Http404 from error
    if not request.member.may_give(found):
        raise PermissionDenied(_("This member’s role includes more than your own. Ask an owner of the workspace."))
    return found


def _place_form(request: MemberRequest, found: Membership, data: Any = None) -> PlaceForm:
    return PlaceForm(
        data, giver=request.member, roles=list(CustomRole.objects.order_by("name")),
        channels=registry.channel_names(), holder=found,
    )  # fmt: skip


def _removal(data: Any = None) -> ConfirmForm:
    return ConfirmForm(data, label=_("They lose access at once. What they wrote stays, under their name."), prefix="go")


def _leaving(data: Any = None) -> ConfirmForm:
    return ConfirmForm(data, label=_("I lose access at once. Coming back takes a new invitation."))


def _member_page(
    request: MemberRequest, found: Membership, form: PlaceForm, removal: ConfirmForm, status: int
) -> HttpResponse:
    context = {"section": "members", "found": found, "form": form, "removal": removal}
    return render(request, "accounts/member.html", context, status=status)


def _own_page(request: MemberRequest, form: ConfirmForm, status: int = 200) -> HttpResponse:
    mine = request.member.permissions
    allowed = [(title, [words for each, words in group.items() if each in mine]) for title, group in GROUPS]
    context = {
        "section": "membership",
        "form": form,
        "allowed": [(title, words) for title, words in allowed if words],
        "channels": _channels(request.member, registry.channel_names()),
    }
    return render(request, "accounts/membership.html", context, status=status)
