"""Public pages, documents and error pages."""

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import loader

from accounts.access import landing, public
from omnistra.problems import problem
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


def _error(request: HttpRequest, status: int, title: str, detail: str, code: str) -> HttpResponse:
    """In the caller's form, and without context, session or database."""
    if request.path_info.startswith("/api/"):
        return problem(status, title, detail, code)
    return HttpResponse(loader.get_template(f"{status}.html").render(), status=status)


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What could not be read (400), or is larger than any form of ours (413)."""
    if isinstance(exception, RequestDataTooBig):
        return _error(request, 413, "The request is too large", "Send less at once.", "too_large")
    return _error(request, 400, "The request is not valid", "It could not be read.", "invalid")


@public
def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody caught: 503 where the database is away (trying again helps), else 500."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        away = _error(request, 503, "Try again in a moment", "The database does not answer right now.", "unavailable")
        away["Retry-After"] = "5"
        return away
    detail = "The request failed; the error was recorded without its contents."
    return _error(request, 500, "This is our fault", detail, "failed")
