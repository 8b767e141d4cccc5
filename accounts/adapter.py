"""How sign-in behaves (allauth's adapter)."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.access import landing


class AccountAdapter(DefaultAccountAdapter):
    """E-mail as the only name; after sign-in the person lands in the workspace used last."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return landing(request.user)  # type: ignore[arg-type]

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        user.email = form.cleaned_data["email"].lower()
        return super().save_user(request, user, form, commit)
