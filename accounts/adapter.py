"""How sign-in behaves (allauth's adapter)."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership


class AccountAdapter(DefaultAccountAdapter):
    """E-mail as the only name; after sign-in the person lands in their inbox."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        memberships = Membership.of_user(request.user)  # type: ignore[arg-type]
        if memberships:
            return reverse("conversations:list", args=[memberships[0].workspace.slug])
        return reverse("home")

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        user.email = form.cleaned_data["email"].lower()
        return super().save_user(request, user, form, commit)
