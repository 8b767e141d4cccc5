"""What is typed: a code, a password, the name of a factor."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import AuthenticatorApp, RecoveryCodes, User
from accounts.models.second_factor import CodeDevice, Outcome
from accounts.second_factor import factors


def wait_words(seconds: int) -> str:
    """ "Wait 8 seconds, then try again." """
    if seconds < 100:
        return ngettext("Wait %d second, then try again.", "Wait %d seconds, then try again.", seconds) % seconds
    return _("Wait %d minutes, then try again.") % -(-seconds // 60)


class CodeInput(forms.TextInput):
    """A field for something secret and short-lived: what was typed is not written into the page again."""

    def format_value(self, value: Any) -> None:
        return None


class CodeForm(forms.Form):
    """A code of an app, or a recovery code. A form that is valid has spent the code; `device` took it."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=64,
        help_text=gettext_lazy("Six digits from your app, or one of your recovery codes."),
        widget=CodeInput(
            attrs={
                "autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "code-entry",
            }
        ),
    )  # fmt: skip

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.device: CodeDevice | None = None
        self.wait = 0

    def clean_code(self) -> str:
        typed: str = self.cleaned_data["code"]
        verdict = factors.use_code(self.user, typed)
        self.device, self.wait = verdict.device, verdict.wait
        if verdict.device is None:
            raise forms.ValidationError(self._words(typed, verdict.outcome))
        return typed

    def _words(self, typed: str, outcome: Outcome) -> str:
        is_recovery_code = RecoveryCodes.normalise(typed) is not None
        if outcome is Outcome.WAIT:
            return _("Too many wrong codes.") + " " + wait_words(self.wait)
        if outcome is Outcome.USED:
            if is_recovery_code:
                return _("This recovery code was used already: each works once. Take another.")
            return _("This code was used already. Wait until your app shows the next one.")
        if is_recovery_code:
            return _("This is none of your recovery codes.")
        return _("This code is not right. Enter the one that your app shows now.")


def _name(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=64,
        help_text=gettext_lazy("To tell it from others, e.g. “Work phone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NameForm(forms.Form):
    """What a factor is called."""

    name = _name(gettext_lazy("Name"))


class AppForm(NameForm):
    """The first code of a new app, which shows that the app took over the secret."""

    code = forms.CharField(
        label=gettext_lazy("Code that the app shows"),
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code-entry"}
        ),
    )  # fmt: skip
    field_order = ["code", "name"]

    def __init__(self, app: AuthenticatorApp, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = app

    def clean_code(self) -> str:
        code = AuthenticatorApp.normalise(self.cleaned_data["code"])
        if code is None:
            raise forms.ValidationError(_("The code has six digits."))
        if not self.app.shows(code):
            raise forms.ValidationError(
                _(
                    "This code is not right. Enter the one that shows now, and see that your phone's clock is set by itself."
                )
            )
        return code


class PasskeyForm(NameForm):
    """What the browser answered (static/js/passkeys.js fills it in)."""

    passkey = forms.CharField(widget=forms.HiddenInput, error_messages={
        "required": gettext_lazy("Passkeys need JavaScript. Switch it on, or use an authenticator app."),
    })  # fmt: skip
