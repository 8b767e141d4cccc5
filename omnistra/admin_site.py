"""The admin site: runs as the system role with a stated reason; sign-in goes through the one door."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite as DjangoAdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from omnistra.core.reading import operator_reading
from omnistra.core.tenancy import system_scope


class AdminSite(DjangoAdminSite):
    site_header = "Omnistra operators"
    site_title = "Omnistra"
    index_title = "Installation"
    site_url = "/"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Operators see all workspaces' metadata: their requests run in the system scope, and open nothing sealed."""
        inner: Any = super().admin_view(view, cacheable)

        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with system_scope("admin"), operator_reading():
                response: HttpResponse = inner(request, *args, **kwargs)
                if hasattr(response, "render"):
                    response.render()
                return response

        scoped.access = "operator"  # type: ignore[attr-defined]
        return scoped

    def has_permission(self, request: HttpRequest) -> bool:
        """Operators who showed their second factor. RequireSecondFactor leads them to it before this is asked."""
        return super().has_permission(request) and request.user.is_verified()  # type: ignore[union-attr]

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """One door for this too: the page of a person's own, which asks again, records and mails."""
        return redirect("account_change_password")

    password_change.access = "operator"  # type: ignore[attr-defined]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """No second sign-in form: the ordinary one, then back here."""
        if request.user.is_authenticated:
            return redirect("home")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': request.GET.get('next', request.path)})}")

    login.access = "public"  # type: ignore[attr-defined]
