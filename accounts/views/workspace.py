"""Where a workspace's addresses lead."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts.access import MemberRequest, requires
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
