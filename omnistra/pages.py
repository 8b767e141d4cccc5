"""Public pages, documents, health and error pages."""

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from accounts.access import public
from accounts.models import Membership
from privacy import policies


@public
def home(request: HttpRequest) -> HttpResponse:
    """The public page; a signed-in member goes on to the inbox."""
    if request.user.is_authenticated:
        memberships = Membership.of_user(request.user)  # type: ignore[arg-type]
        if memberships:
            return redirect("conversations:list", memberships[0].workspace.slug)
    return render(request, "home.html", {"sandbox": settings.SANDBOX})


@public
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """A policy document as it is in force."""
    return render(request, "privacy/document.html", {"document": policies.current(slug)})


@public
def health(request: HttpRequest) -> HttpResponse:
    """Alive."""
    return HttpResponse("ok", content_type="text/plain")


@public
def ready(request: HttpRequest) -> HttpResponse:
    """Whether what this process needs answers: 200 or 503, and which part does not."""
    parts = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        parts["database"] = True
    except Exception:
        parts["database"] = False
    try:
        cache.get("ready")
        parts["broker"] = True
    except Exception:
        parts["broker"] = False
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


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
