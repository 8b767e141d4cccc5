"""The form of retention: the workspace's rule and those of the channels that differ."""

from typing import Any
from uuid import UUID

from django import forms
from django.forms import BoundField

from privacy.models import RetentionPolicy
from privacy.retention import Days, Settings
from privacy.selection import RULES

_LABELS = {
    "conversation": ("Conversations", "Counted from the last message."),
    "message": ("Messages", "Each by its own age, if that is stricter."),
    "media": ("Files", "Pictures, voice messages, documents."),
}


class RetentionForm(forms.Form):
    """Days per class; empty keeps until asked. `channels`: id -> name of those that may differ."""

    def __init__(self, *args: Any, settings: Settings, channels: dict[UUID, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._channels = channels
        self._add("", settings.default)
        for channel_id, name in channels.items():
            self.fields[f"{channel_id.hex}_differs"] = forms.BooleanField(
                label=f"{name} differs", required=False, initial=channel_id in settings.channels
            )
            self._add(f"{channel_id.hex}_", settings.of_channel(channel_id))

    def _add(self, prefix: str, days: Days) -> None:
        for rule in RULES:
            label, help_text = _LABELS[rule]
            self.fields[f"{prefix}{rule}_days"] = forms.IntegerField(
                label=label, required=False, min_value=1, max_value=RetentionPolicy.MAX_DAYS,
                initial=getattr(days, rule), help_text="" if prefix else help_text,
                widget=forms.NumberInput(attrs={"placeholder": "until asked", "inputmode": "numeric"}),
            )  # fmt: skip

    @property
    def workspace_fields(self) -> list[BoundField]:
        """The rule for everything."""
        return [self[f"{rule}_days"] for rule in RULES]

    @property
    def channel_groups(self) -> list[dict[str, Any]]:
        """For each channel its name, its switch and its fields."""
        return [
            {
                "name": name,
                "differs": self[f"{key.hex}_differs"],
                "fields": [self[f"{key.hex}_{rule}_days"] for rule in RULES],
            }
            for key, name in self._channels.items()
        ]

    def settings(self) -> Settings:
        """What the valid form says."""
        data = self.cleaned_data

        def days(prefix: str) -> Days:
            return Days(**{rule: data[f"{prefix}{rule}_days"] for rule in RULES})

        return Settings(days(""), {key: days(f"{key.hex}_") for key in self._channels if data[f"{key.hex}_differs"]})
