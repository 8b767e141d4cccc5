"""Where a workspace's addresses lead; a person's workspaces and a new one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import opening
from accounts.access import MemberRequest, requires, signed_in
from accounts.audit import Actor, record
from accounts.forms.workspaces import WorkspaceForm, WorkspaceNameForm
from accounts.members import Refused
from accounts.models import Membership
from accounts.models.workspaces import last_used
from accounts.roles import Permission

# The pages with which work and settings begin, by what a role must allow for them: the first one that it does.
_WORK = {Permission.CONVERSATIONS_VIEW: "conversations:list", Permission.RETENTION_VIEW: "privacy:home"}
_SETTINGS = {
    Permission.CHANNELS_VIEW: "channels:list",
    Permission.MEMBERS_VIEW: "accounts:members",
    Permission.API_KEYS_MANAGE: "accounts:api_keys",
    Permission.WORKSPACE_VIEW: "accounts:membership",
}


def _first(request: MemberRequest, pages: dict[Permission, str]) -> HttpResponse:
    name = next(page for permission, page in pages.items() if request.member.may(permission))
    return redirect(name, request.member.workspace.slug)


@requires(Permission.WORKSPACE_VIEW)
@require_GET
def workspace_home(request: MemberRequest) -> HttpResponse:
    """A workspace's address leads to its inbox, or to what else the role opens."""
    return _first(request, _WORK | _SETTINGS)


@requires(Permission.WORKSPACE_VIEW)
@require_GET
def settings_home(request: MemberRequest) -> HttpResponse:
    """Settings begin with the channels, or with what else the role opens."""
    return _first(request, _SETTINGS)


@requires(Permission.WORKSPACE_MANAGE, while_closing=True)
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: MemberRequest) -> HttpResponse:
    """The workspace's name; and where an owner closes it, or undoes that."""
    workspace = request.member.workspace
    form = WorkspaceNameForm(request.POST or None, initial={"name": workspace.name})
    if request.method == "POST" and form.is_valid():
        workspace.rename(form.cleaned_data["name"])
        record("workspace.renamed", Actor.member(request.member), workspace.pk, ["name"])
        messages.success(request, "Saved.")
        return redirect("accounts:general", workspace.slug)
    context = {"section": "general", "form": form}
    return render(request, "accounts/general.html", context, status=422 if form.is_bound else 200)


@requires(Permission.WORKSPACE_MANAGE)
@require_POST
def read_receipts(request: MemberRequest) -> HttpResponse:
    """Whether people see that their messages were read and that an answer is being written."""
    workspace = request.member.workspace
    workspace.send_read_receipts(bool(request.POST.get("wanted")))
    record("workspace.read_receipts_changed", Actor.member(request.member), workspace.pk, ["sends_read_receipts"])
    messages.success(request, "Saved.")
    return redirect("accounts:general", workspace.slug)


@signed_in
@require_GET
def workspaces(request: HttpRequest) -> HttpResponse:
    """The person's workspaces."""
    mine = Membership.of_user(request.user)  # type: ignore[arg-type]
    return render(request, "accounts/workspaces.html", {"section": "workspaces", "mine": mine, "last": last_used(mine)})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_workspace(request: HttpRequest) -> HttpResponse:
    """Open another workspace."""
    form = WorkspaceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            workspace = opening.open_workspace(form.cleaned_data["name"], request.user)  # type: ignore[arg-type]
        except Refused as refused:
            form.add_error("name", refused.reason)
        else:
            messages.success(request, _("%s is open. Connect its first channel.") % workspace.name)
            return redirect("accounts:settings", workspace.slug)
    context = {"section": "workspaces", "form": form}
    return render(request, "accounts/new_workspace.html", context, status=422 if request.method == "POST" else 200)
