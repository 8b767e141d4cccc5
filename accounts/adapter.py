"""How sign-in behaves (allauth's adapter)."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import landing
from accounts.audit import record_of_person
from accounts.second_factor import mails


class AccountAdapter(DefaultAccountAdapter):
    """E-mail as the only name; after sign-in the person lands in the workspace used last."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return landing(request.user)  # type: ignore[arg-type]

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        user.email = form.cleaned_data["email"].lower()
        return super().save_user(request, user, form, commit)

    def get_login_stages(self) -> list[str]:
        """The second factor comes last: nothing may lead on after it."""
        return [*super().get_login_stages(), "accounts.second_factor.stage.SecondFactorStage"]

    def set_password(self, user: Any, password: str) -> None:
        """A new password, by change or reset: on record, and the person is told."""
        super().set_password(user, password)
        record_of_person("password.changed", user.pk)
        mails.password_changed(user)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_security")
