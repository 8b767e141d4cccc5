"""What operators asked for, and the workspace's answer: who may read which conversation, until when, what was read."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import operators
from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.models import AccessGrant, AccessRead
from accounts.roles import Permission

_SHOWN = 50
_READS = 500


@requires(Permission.OPERATOR_ACCESS_VIEW)
@require_GET
def operator_access(request: HttpRequest) -> HttpResponse:
    """Requests that wait, access that is live, and what was."""
    found = operators.with_reads(AccessGrant.objects.order_by("-requested_at")[:_SHOWN])
    return render(
        request,
        "accounts/operator_access.html",
        {
            "section": "operator_access",
            "waiting": [grant for grant, _ in found if grant.state == AccessGrant.State.REQUESTED],
            "live": [(grant, reads) for grant, reads in found if grant.is_live],
            "past": [
                (grant, reads)
                for grant, reads in found
                if grant.state != AccessGrant.State.REQUESTED and not grant.is_live
            ],
            "hours": range(1, AccessGrant.MAX_HOURS + 1),
        },
    )


@requires(Permission.OPERATOR_ACCESS_VIEW)
@require_GET
def operator_reads(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Every message that was read under one grant."""
    grant = get_object_or_404(AccessGrant.objects.select_related("operator"), pk=grant_id)
    reads = AccessRead.objects.filter(grant=grant).order_by("-at", "-id")[:_READS]
    context = {"section": "operator_access", "grant": grant, "reads": reads}
    return render(request, "accounts/operator_reads.html", context)


@requires(Permission.OPERATOR_ACCESS_DECIDE)
@require_POST
def approve_access(request: MemberRequest, grant_id: UUID) -> HttpResponse:
    """Let the operator read for the chosen hours."""
    chosen = request.POST.get("hours", "")
    hours = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 4 else 0
    return _decide(request, lambda: operators.approve(grant_id, request.member, hours), "Approved.")


@requires(Permission.OPERATOR_ACCESS_DECIDE)
@require_POST
def refuse_access(request: MemberRequest, grant_id: UUID) -> HttpResponse:
    """Say no."""
    return _decide(request, lambda: operators.refuse(grant_id, request.member), "Refused. Nothing can be read.")


@requires(Permission.OPERATOR_ACCESS_DECIDE)
@require_POST
def end_access(request: MemberRequest, grant_id: UUID) -> HttpResponse:
    """Nothing opens any more from this moment."""
    return _decide(request, lambda: operators.end(grant_id, Actor.member(request.member)), "Ended.")


def _decide(request: MemberRequest, step: Callable[[], None], done: str) -> HttpResponse:
    try:
        step()
    except AccessGrant.DoesNotExist as error:
        raise Http404("There is no such request.") from error
    except operators.NotPossible as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, done)
    return redirect("accounts:operator_access", request.member.workspace.slug)
