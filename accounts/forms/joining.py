"""The form of signing up by an invitation."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.forms.signup import SignupFields
from accounts.models import User
from accounts.passwords import LONGEST


class JoinForm(SignupFields):
    """As at sign-up, without a company: the workspace is there. The address comes from the invitation, whose token was
    mailed to it, and counts as confirmed."""

    company = None  # type: ignore[assignment]
    password1 = forms.CharField(
        label=_("Password"), strip=False, max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    field_order = ["name", "password1", "of_age", "agreed"]

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if password := data.get("password1"):
            try:
                get_adapter().clean_password(password, User(email=self._email, name=data.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return data

    def make_user(self, request: HttpRequest) -> User:
        """The person, with the confirmed address and the proof of what they accepted. Raises IntegrityError when the
        address has got an account meanwhile."""
        data = self.cleaned_data
        user = User.objects.create_user(self._email, data["password1"], name=data["name"])
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        self.keep_proof(request, user)
        return user
