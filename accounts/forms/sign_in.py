"""The forms of sign-in, sign-up and passwords: allauth's, in our words and within our limits (ACCOUNT_FORMS)."""

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.passwords import LONGEST
from omnistra.core.ids import uuid7

LONGEST_ADDRESS = 254  # characters (RFC 5321 4.5.3.1.3)
_TOO_LONG = _("At most %(limit_value)d characters.")
_LABELS = {
    "login": _("E-mail"), "email": _("E-mail"), "password": _("Password"), "oldpassword": _("Current password"),
    "password1": _("New password"), "password2": _("New password, once more"),
}  # fmt: skip


class _InOurWords(forms.Form):
    """Labels instead of placeholders; nothing is hashed that no password can be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = _LABELS.get(name, field.label)
            if isinstance(field.widget, forms.PasswordInput):
                field.validators.append(MaxLengthValidator(LONGEST, _TOO_LONG))
            elif isinstance(field, forms.EmailField):  # allauth would keep the beginning of it: another's address
                field.validators.append(MaxLengthValidator(LONGEST_ADDRESS, _TOO_LONG))
            if name == "password1":
                field.help_text = _("At least 10 characters, and none that many people use.")


class SignInForm(_InOurWords, allauth.LoginForm):
    pass


class SignUpForm(_InOurWords, allauth.SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")

    def try_save(self, request: HttpRequest) -> Any:
        """As allauth's. Where the address has an account already, the same work is done and taken back, so that the
        time of the answer does not tell."""
        if self.account_already_exists:
            self._work_for_nothing(request)
        return super().try_save(request)

    def _work_for_nothing(self, request: HttpRequest) -> None:
        address = self.cleaned_data["email"]
        self.account_already_exists, self.cleaned_data["email"] = False, f"{uuid7().hex}@nobody.invalid"
        try:
            with transaction.atomic(), transaction.atomic("keys"):
                self.save(request)
                transaction.set_rollback(True)
                transaction.set_rollback(True, "keys")
        finally:
            self.account_already_exists, self.cleaned_data["email"] = True, address


class ResetForm(_InOurWords, allauth.ResetPasswordForm):
    pass


class NewPasswordForm(_InOurWords, allauth.ResetPasswordKeyForm):
    pass


class ConfirmForm(_InOurWords, allauth.ReauthenticateForm):
    pass


class ChangePasswordForm(_InOurWords, allauth.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        """Tries at the present password are counted here as anywhere."""
        password: str = self.cleaned_data["oldpassword"]
        adapter = allauth.get_adapter()
        if not adapter.reauthenticate(self.user, password):
            raise adapter.validation_error("enter_current_password")
        return password


class ChangeAddressForm(_InOurWords, allauth.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New e-mail address")
