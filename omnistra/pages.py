"""Public pages, documents and error pages."""

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template import loader

from accounts.access import landing, public
from privacy import policies


@public
def home(request: HttpRequest) -> HttpResponse:
    """The public page; who is signed in goes on to their work."""
    if request.user.is_authenticated:
        return redirect(landing(request.user))  # type: ignore[arg-type]
    return render(request, "home.html", {"sandbox": settings.SANDBOX})


@public
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """A policy document as it is in force."""
    return render(request, "privacy/document.html", {"document": policies.current(slug)})


@public
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every part in every state (local and test only)."""
    if settings.ENVIRONMENT == "production":
        raise Http404
    return render(request, "styleguide.html")


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose protection token is missing or old."""
    return render(
        request,
        "403.html",
        {"exception": "This page was open too long. Go back, reload and try again."},
        status=403,
    )


@public
def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody caught: 503 where the database is away (trying again helps), else 500. In the caller's form, and
    without context, session or database."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status, headers = (503, {"Retry-After": "5"}) if away else (500, {})
    if not request.path_info.startswith("/api/"):
        return HttpResponse(loader.get_template(f"{status}.html").render(), status=status, headers=headers)
    problem = {"type": "about:blank", "title": "This is our fault", "status": status}
    problem |= (
        {"title": "Try again in a moment", "detail": "The database does not answer right now.", "code": "unavailable"}
        if away
        else {"detail": "The request failed; the error was recorded without its contents.", "code": "failed"}
    )
    return JsonResponse(problem, status=status, headers=headers, content_type="application/problem+json")
