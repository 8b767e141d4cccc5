"""The part of a page on which a person shows a factor: the second step of a sign-in, and "confirm that it is you"."""

from typing import Any

from django.http import HttpRequest
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.audit import record_of_person
from accounts.models import AuthenticatorApp, User
from accounts.second_factor import passkeys
from accounts.second_factor.forms import CodeForm


class Proof:
    """A passkey or a code, as the request's POST holds it. `device` is the factor that was shown, or None."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self.request, self.user = request, user
        self.form = CodeForm(user, request.POST if "code" in request.POST else None)
        self.passkey_error = ""
        self.device: Device | None = None
        self.status = 200
        if "passkey" in request.POST:
            self._passkey(request.POST["passkey"])
        elif "code" in request.POST:
            self._code()

    def _passkey(self, answer: str) -> None:
        try:
            self.device = passkeys.check(self.request, self.user, answer)
        except passkeys.PasskeyRefused as refusal:
            record_of_person("second_factor.refused", self.user.pk, ["passkey"])
            self.passkey_error, self.status = str(refusal), 422

    def _code(self) -> None:
        if self.form.is_valid():
            self.device = self.form.device
        elif self.form.wait:
            self.status = 429
        else:
            self.status = 422

    def context(self) -> dict[str, Any]:
        """For the template components/factor.html. A new challenge is kept in the session where a passkey may be shown."""
        has_passkey = WebAuthnCredential.objects.filter(user=self.user, confirmed=True).exists()
        here = passkeys.work_here(self.request)
        return {
            "form": self.form,
            "passkey_options": passkeys.ask_to_show(self.request, self.user) if has_passkey and here else "",
            "passkey_error": self.passkey_error,
            "passkeys_elsewhere": passkeys.origin() if has_passkey and not here else "",
            "has_app": AuthenticatorApp.objects.filter(user=self.user, confirmed=True).exists(),
        }
