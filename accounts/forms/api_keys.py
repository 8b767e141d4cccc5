"""The form of API keys."""

from django import forms

from accounts.roles import Permission


class ApiKeyForm(forms.Form):
    """A new key: a name to tell it by, and what it may do."""

    name = forms.CharField(label="Name", max_length=80, help_text="What uses it, e.g. “Shop back end”.")
    scopes = forms.MultipleChoiceField(
        label="May do",
        choices=[(each.value, each.value) for each in Permission],
        widget=forms.CheckboxSelectMultiple,
    )
