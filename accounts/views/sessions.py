"""The sessions of the person who asks."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts import sessions
from accounts.access import signed_in
from accounts.models import UserSession


@signed_in
@require_GET
def list_sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in: this browser first, then the others by last use."""
    here = sessions.current_id(request)
    rows = sorted(UserSession.objects.open_of(request.user.pk), key=lambda row: row.pk != here)
    return render(request, "accounts/sessions.html", {"section": "sessions", "sessions": rows, "here": here})


@signed_in
@require_POST
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End one session, be it this one."""
    if session_id == sessions.current_id(request):
        get_adapter().logout(request)
        return redirect("account_login")
    if not sessions.end(request.user.pk, session_id):  # type: ignore[arg-type]
        raise Http404
    messages.success(request, _("That session has ended."))
    return redirect("account_sessions")


@signed_in
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End every session but this one."""
    ended = sessions.end_others(request.user.pk, sessions.current_id(request))  # type: ignore[arg-type]
    messages.success(request, ngettext("%d session has ended.", "%d sessions have ended.", ended) % ended)
    return redirect("account_sessions")


@signed_in
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session, this one too."""
    sessions.end_others(request.user.pk, sessions.current_id(request))  # type: ignore[arg-type]
    get_adapter().logout(request)
    messages.success(request, _("You are signed out everywhere."))
    return redirect("account_login")
