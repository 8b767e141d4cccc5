"""The forms of connecting a channel."""

from typing import Any

from django import forms

from channels_app.models import App

_TOKEN = forms.PasswordInput(render_value=False, attrs={"autocomplete": "off", "spellcheck": "false"})


class TokenForm(forms.Form):
    """A token: typed once, never shown again (policy clause 2d)."""

    token = forms.CharField(
        label="Access token", max_length=4096, widget=_TOKEN, help_text="Sealed when saved, and never shown again."
    )


class ConnectForm(forms.Form):
    """What WhatsApp gives a business that connects a number by hand."""

    external_id = forms.CharField(
        label="Phone number ID", max_length=64, help_text="In Meta's WhatsApp manager, under API setup."
    )
    account_id = forms.CharField(label="WhatsApp Business account ID", max_length=64)
    token = forms.CharField(
        label="Access token", max_length=4096, widget=_TOKEN, help_text="Sealed when saved, and never shown again."
    )
    terms_accepted = forms.BooleanField(
        label="On behalf of my company I accept the Data Processing Terms and Meta's terms for WhatsApp.",
        required=False,
    )

    def __init__(self, *args: Any, accepted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if accepted:
            del self.fields["terms_accepted"]


class LoginForm(forms.Form):
    """What has to be agreed before somebody signs in at a platform."""

    terms_accepted = forms.BooleanField(
        label="On behalf of my company I accept the Data Processing Terms and Meta's terms for this channel.",
        required=False,
    )

    def __init__(self, *args: Any, accepted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if accepted:
            del self.fields["terms_accepted"]


class OwnAppForm(forms.Form):
    """An app that the company runs itself at Meta."""

    app = forms.ChoiceField(label="Kind of app", choices=App.choices)
    app_id = forms.RegexField(
        r"^\d{5,40}$", label="App ID", max_length=40, error_messages={"invalid": "This is a number of digits."}
    )
    secret = forms.RegexField(
        r"^[0-9A-Za-z_-]{16,128}$", label="App secret", max_length=128, widget=_TOKEN,
        help_text="Sealed when saved, and never shown again.",
        error_messages={"invalid": "This does not look like an app secret."},
    )  # fmt: skip


class DisconnectForm(forms.Form):
    """Disconnecting: the box, or with erasing the channel's name."""

    confirm = forms.BooleanField(
        label="Delete the token and stop receiving. Conversations stay until retention takes them.", required=False
    )
    erase = forms.CharField(
        label="Erase its conversations, messages and files as well", max_length=200, required=False,
        help_text="Type the channel's name to have everything of it erased. This cannot be undone.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    def clean_erase(self) -> str:
        """The name exactly, or nothing."""
        typed: str = self.cleaned_data["erase"].strip()
        if typed and typed != self.name:
            raise forms.ValidationError("Type the channel's name exactly as it stands. Nothing was done.")
        return typed

    def clean(self) -> dict[str, Any]:
        """Either way of confirming."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not data.get("confirm"):
            self.add_error("confirm", "Tick the box to confirm.")
        return data
