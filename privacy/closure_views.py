"""The pages of closing: a workspace's owner closes it or undoes that."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, requires
from accounts.roles import Permission
from privacy import closure


@requires(Permission.WORKSPACE_CLOSE)
@require_POST
def close_workspace(request: MemberRequest) -> HttpResponse:
    """Close the workspace, once its name is typed."""
    workspace = request.member.workspace
    if request.POST.get("confirm", "").strip() != workspace.name:
        messages.error(request, "Type the workspace's name exactly as it stands. Nothing was closed.")
        return redirect("accounts:general", workspace.slug)
    try:
        closure.close_workspace(workspace.pk, request.member)
    except closure.NotPossible as problem:
        messages.error(request, str(problem))
    return redirect("accounts:general", workspace.slug)


@requires(Permission.WORKSPACE_CLOSE, while_closing=True)
@require_POST
def keep_workspace(request: MemberRequest) -> HttpResponse:
    """Undo the closing."""
    workspace = request.member.workspace
    try:
        closure.keep_workspace(workspace.pk, request.member)
    except closure.NotPossible as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, "Everything is as before.")
    return redirect("accounts:general", workspace.slug)
