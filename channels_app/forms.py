"""The forms of connecting a number."""

from typing import Any

from django import forms

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
