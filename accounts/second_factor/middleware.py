"""Holds every request to the second factor, whatever door its session came in by."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from accounts.access import access_of, lead
from accounts.second_factor import policy, session

# What a person who must first set up a factor may open.
_SET_UP = {
    "account_second_factor_set_up", "account_second_factor_add_app", "account_second_factor_add_passkey",
    "account_reauthenticate", "account_logout",
}  # fmt: skip


class RequireSecondFactor:
    """1. A session that did not show the factor its person has, or whose factor is gone, ends at this request.
    2. Who must have a factor and has none gets to the set-up and nowhere else: also in the middle of a session, at the first
       request after a workspace began to demand it.
    3. API keys are a credential of their own: what they open asks nothing here, and a session opens none of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        mark = access_of(view)
        if mark == "api" or not request.user.is_authenticated or request.user.is_verified():
            return None
        standing = policy.standing(request.user)
        if standing.has_factor or session.had_factor(request):
            logout(request)
            if mark == "public":
                return None
            messages.info(request, _("Your second factor has changed. Sign in again."))
            return _elsewhere(request, resolve_url(settings.LOGIN_URL))
        if standing.must_have and mark != "public" and request.resolver_match.url_name not in _SET_UP:
            return _elsewhere(request, resolve_url("account_second_factor_set_up"))
        return None


def _elsewhere(request: Any, address: str) -> HttpResponse:
    """Lead a page there and, where it was to be read, back; tell a fragment, a stream or a picture that it may not."""
    back = f"?{urlencode({'next': request.get_full_path()})}" if request.method in ("GET", "HEAD") else ""
    return lead(request, address + back)
