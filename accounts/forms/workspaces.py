"""The form of another workspace."""

from django import forms
from django.utils.translation import gettext_lazy as _


class WorkspaceForm(forms.Form):
    """A new workspace for somebody who is signed in."""

    name = forms.CharField(
        label=_("Company"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=_("Your customers do not see it. Its channels, members and conversations are its own."),
    )  # fmt: skip

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class WorkspaceNameForm(forms.Form):
    """What a workspace is called."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Members see it, and people whom you invite.")
    )  # fmt: skip

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())
