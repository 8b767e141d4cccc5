"""The door of every page: who asks, in which workspace, with which permission. Deny by default.

1. Every view of this project carries exactly one mark: `public`, `signed_in` or `requires(permission)`; a view without
   one is refused (AccessMiddleware), so a forgotten mark is a closed door.
2. A workspace that is not the person's answers 404, a permission that the role lacks answers 403.
3. The view of a workspace runs in that workspace's scope, limited to the channels that the member sees.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import ResolverMatch, reverse
from django.utils import timezone

from accounts.models import Membership, User
from accounts.models.workspaces import last_used
from accounts.roles import Permission
from omnistra.core.tenancy import workspace_scope

# Views of libraries whose own rules apply, by module.
_LIBRARIES = (
    "allauth.",
    "django.contrib.",
    "django.views.",
    "drf_spectacular.",
    "rest_framework.",
    "django.",
)


class MemberRequest(HttpRequest):
    """The request that a view under `requires` gets."""

    user: User
    member: Membership
    memberships: list[Membership]


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Anyone may see this."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: Callable[..., Any] | None = None, *, while_closing: bool = False) -> Callable[..., Any]:
    """A person who has signed in, whatever the workspace. Pages that stay open `while_closing` are those by which
    an account that is closing is kept or its data taken along, and what these ask for."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            return view(request, *args, **kwargs)  # type: ignore[no-any-return]

        guarded.access = "signed_in"  # type: ignore[attr-defined]
        guarded.while_closing = while_closing  # type: ignore[attr-defined]
        return guarded

    return mark(view) if view else mark


class WorkspaceClosing(PermissionDenied):
    """The workspace closes: who may undo that is led to the page that does."""


def enter(request: HttpRequest, slug: str, permission: Permission, while_closing: bool = False) -> Membership:
    """The membership under which the request goes on. Raises Http404 (not their workspace), PermissionDenied, and
    WorkspaceClosing unless the page is one of those that stay open `while_closing`."""
    request.memberships = Membership.of_user(request.user)  # type: ignore[attr-defined, arg-type]
    member = next((each for each in request.memberships if each.workspace.slug == slug), None)  # type: ignore[attr-defined]
    if member is None:
        raise Http404("There is no such workspace, or you are not in it.")
    if member.workspace.suspended_at is not None:
        raise PermissionDenied("This workspace is suspended. Write to the address below to learn why.")
    if member.workspace.closing_at is not None and not while_closing:
        if member.may(Permission.WORKSPACE_CLOSE):
            raise WorkspaceClosing("This workspace is closing.")
        raise PermissionDenied("This workspace is closing. Its owners can undo that.")
    if not member.may(permission):
        raise PermissionDenied(f"Your role does not include {permission}. Ask an owner of the workspace.")
    request.member = member  # type: ignore[attr-defined]
    return member


def _note_visit(request: HttpRequest, member: Membership) -> None:
    """Keep when the member was seen last, about every five minutes. Opening a page in another workspace than before is
    kept at once: sign-in leads to the one used last. (What an open page fetches by itself is no such sign.)"""
    seen, now = member.last_seen_at, timezone.now()
    elsewhere = not getattr(request, "htmx", False) and last_used(request.memberships) is not member  # type: ignore[attr-defined]
    if seen is None or elsewhere or now - seen > Membership.SEEN_EVERY:
        transaction.on_commit(member.mark_seen, robust=True)


def landing(user: User) -> str:
    """Where a person's work begins: in the workspace used last; without any, where one can be opened; while their account
    closes, where that is undone."""
    if user.closing_at is not None:
        return reverse("account_data")
    member = last_used(Membership.of_user(user))
    return reverse("accounts:workspace", args=[member.workspace.slug]) if member else reverse("workspaces")


def requires(permission: Permission, while_closing: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A member whose role has `permission`. The view gets `request.member`; its first URL argument is `slug`. Pages
    that stay open `while_closing` are those that undo the closing."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                if getattr(request, "htmx", False):
                    return HttpResponse(status=401, headers={"HX-Refresh": "true"})
                return redirect_to_login(request.get_full_path())
            try:
                member = enter(request, slug, permission, while_closing)
            except WorkspaceClosing:
                return redirect("accounts:general", slug)
            _note_visit(request, member)
            with workspace_scope(member.workspace_id, member.channel_ids):
                response: HttpResponse = view(request, *args, **kwargs)
                if hasattr(response, "render"):
                    response.render()  # inside the scope: a lazy template reads rows
                return response

        guarded.access = permission  # type: ignore[attr-defined]
        return guarded

    return mark


def access_of(view: Callable[..., Any]) -> str | None:
    """The mark of a view: "public", "signed_in", a permission, "library", or None for a view without one."""
    mark = getattr(view, "access", None) or getattr(getattr(view, "view_class", None), "access", None)
    if mark is None and hasattr(view, "cls"):  # an API view: ScopePermission guards it
        mark = "api" if getattr(view.cls, "required_scopes", None) else None
    if mark is None and (getattr(view, "__module__", "") or "").startswith(_LIBRARIES):
        mark = "library"
    return str(mark) if mark else None


def lead(request: Any, address: str) -> HttpResponse:
    """Lead a page there; tell a fragment, a stream or a picture that it may not."""
    if request.htmx or request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect(address)


class AccessMiddleware:
    """Refuses every view that carries no mark; leads who closes their account to the page that undoes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        mark = access_of(view)
        if mark is None:
            raise PermissionDenied("This page has no access rule.")
        user = request.user
        if user.is_authenticated and user.closing_at is not None and not self._open_while_closing(request, view, mark):
            return lead(request, reverse("account_data"))
        return None

    def _open_while_closing(self, request: HttpRequest, view: Callable[..., Any], mark: str) -> bool:
        """Public pages, the API (no session opens it), signing out, and the pages marked so."""
        name = request.resolver_match.url_name if request.resolver_match else ""
        return mark in ("public", "api") or getattr(view, "while_closing", False) or name == "account_logout"


class Can:
    """What the member may do, for templates: `can.conversations_reply`."""

    def __init__(self, member: Membership) -> None:
        for permission in Permission:
            setattr(self, permission.replace(".", "_"), member.may(permission))


_SECTIONS = {"inbox": "inbox", "campaigns": "campaigns", "privacy": "privacy", "settings": "settings"}


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every template gets; the workspace's part only where the view entered one."""
    from django.conf import settings

    context: dict[str, Any] = {"environment": settings.ENVIRONMENT, "privacy_email": settings.PRIVACY_EMAIL}
    member = getattr(request, "member", None)
    if member is not None:
        match: ResolverMatch | None = request.resolver_match
        section = (match.route.split("/")[2:3] if match else None) or [""]
        context |= {
            "workspace": member.workspace,
            "member": member,
            "memberships": request.memberships,  # type: ignore[attr-defined]
            "can": Can(member),
            "nav": _SECTIONS.get(section[0], ""),
        }
    return context
