"""The form of API keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from accounts.models import Membership
from accounts.scopes import SCOPES, beyond_channels


class ApiKeyForm(forms.Form):
    """A new key: a name to tell it by, what it may do, on which channels, for how long. A member can give a key no
    scope that the member does not have."""

    name = forms.CharField(label="Name", max_length=80, help_text="What uses it, e.g. “Shop back end”.")
    scopes = forms.MultipleChoiceField(
        label="May do",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one: a key that may do nothing is of no use."},
    )
    reach = forms.ChoiceField(
        label="Channels",
        choices=[("all", "All, also those that come later"), ("some", "Only these:")],
        widget=forms.RadioSelect,
        initial="all",
        required=False,
    )
    channels = forms.MultipleChoiceField(label="Only these", widget=forms.CheckboxSelectMultiple, required=False)
    lifetime = forms.ChoiceField(
        label="Ends after",
        choices=[("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("never", "Never")],
        initial="90",
        required=False,
        help_text="A key without an end opens the workspace to whoever finds it, also in years. "
        "Seven days before its end a key is announced by mail.",
    )

    def __init__(self, *args: Any, member: Membership, channel_names: Mapping[UUID, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(scope.value, scope.label) for scope in SCOPES if member.may(scope)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]
        self.fields["channels"].choices = [(str(key), name) for key, name in channel_names.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        chosen, limited = values.get("channels"), values.get("reach") == "some"
        if limited and not chosen:
            self.add_error("channels", "Tick the channels that the key reaches.")
        if chosen and not limited:  # never a wider key than somebody may have meant
            self.add_error("reach", "You ticked channels: choose “Only these”, or untick them.")
        if limited and (beyond := beyond_channels(values.get("scopes", []))):
            words = ", ".join(f"“{scope.label}”" for scope in beyond)
            self.add_error("scopes", f"A key for some channels cannot have what concerns all of them: {words}.")
        return values

    @property
    def channel_ids(self) -> list[UUID] | None:
        """The channels that were chosen; None for all of them."""
        limited = self.cleaned_data["reach"] == "some"
        return [UUID(each) for each in self.cleaned_data["channels"]] if limited else None

    @property
    def expires_at(self) -> datetime | None:
        """When the key ends; None for never."""
        lifetime = self.cleaned_data["lifetime"] or self.fields["lifetime"].initial
        return None if lifetime == "never" else timezone.now() + timedelta(days=int(lifetime))
