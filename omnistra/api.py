"""Routes of the API."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView

from accounts.access import public
from omnistra.problems import problem


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the published description names our keys. Defining the class registers it."""

    target_class = "accounts.api_guard.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


@csrf_exempt
@public
def nothing_here(request: HttpRequest, rest: str) -> JsonResponse:
    """An unknown address under the API, answered as the API answers."""
    return problem(404, "Not found", "There is nothing at this address.", "not_found")


@public
def docs(request: HttpRequest) -> HttpResponse:
    """The description of the API to read and try out. Our own page, because the library's needs inline scripts."""
    return render(request, "api_docs.html")


urlpatterns = [
    path("v1/", include("accounts.api_members")),
    path("v1/", include("channels_app.api")),
    path("v1/", include("channels_app.templates.api")),
    path("v1/", include("conversations.api")),
    path("v1/", include("conversations.contact_api")),
    path("v1/", include("privacy.api")),
    path("v1/", include("accounts.audit.api")),
    path("v1/<path:rest>", nothing_here, name="api_nothing_here"),
    path("schema/", public(SpectacularAPIView.as_view()), name="api_schema"),
    path("docs/", docs, name="api_docs"),
]
