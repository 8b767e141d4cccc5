"""Where a workspace's addresses lead."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import MemberRequest, requires
from accounts.audit import Actor, record
from accounts.forms.workspace import WorkspaceForm
from accounts.roles import Permission


@requires(Permission.WORKSPACE_VIEW)
@require_GET
def workspace_home(request: MemberRequest) -> HttpResponse:
    """A workspace's address leads to its inbox."""
    return redirect("conversations:list", request.member.workspace.slug)


@requires(Permission.CHANNELS_VIEW)
@require_GET
def settings_home(request: MemberRequest) -> HttpResponse:
    """Settings begin with the channels."""
    return redirect("channels:list", request.member.workspace.slug)


@requires(Permission.WORKSPACE_MANAGE, while_closing=True)
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: MemberRequest) -> HttpResponse:
    """The workspace's name; and where an owner closes it, or undoes that."""
    workspace = request.member.workspace
    form = WorkspaceForm(request.POST or None, initial={"name": workspace.name})
    if request.method == "POST" and form.is_valid():
        workspace.rename(form.cleaned_data["name"])
        record("workspace.renamed", Actor.member(request.member), workspace.pk, ["name"])
        messages.success(request, "Saved.")
        return redirect("accounts:general", workspace.slug)
    context = {"section": "general", "form": form}
    return render(request, "accounts/general.html", context, status=422 if form.is_bound else 200)
