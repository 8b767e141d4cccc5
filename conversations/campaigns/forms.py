"""What members fill in: who gets a campaign. It works without a script: what the chosen way does not need is ignored."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_app.models import Channel
from conversations.campaigns import segments
from conversations.campaigns.segments import Segment
from conversations.opt_ins.ledger import TOPICS

MAX_FILE = 2 * 1024 * 1024  # bytes


class SegmentForm(forms.Form):
    """The people of a campaign: those who are known, or a list."""

    way = forms.ChoiceField(
        label=_("Who gets it"), initial="known", widget=forms.RadioSelect,
        choices=[("known", _("People you know here")), ("list", _("A list of numbers"))],
    )  # fmt: skip
    topic = forms.ChoiceField(
        label=_("Who agreed to"), required=False,
        choices=[*TOPICS.items(), ("", _("No matter: count who did not agree, too"))],
        help_text=_("Nobody gets it without a recorded yes. The last choice only shows how many are left out."),
    )  # fmt: skip
    wrote_days = forms.IntegerField(label=_("Wrote within"), required=False, min_value=1, max_value=3650)
    silent_days = forms.IntegerField(label=_("Did not write for"), required=False, min_value=1, max_value=3650)
    numbers = forms.CharField(
        label=_("Numbers"), required=False, max_length=MAX_FILE,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("One on each line, in international form. Only people whom you know here get it; no contact is made."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("Or a file"), required=False, max_length=255,
        help_text=_("CSV or text, the numbers in the first column, 2 MB at most. The file is not kept."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A list has its numbers in one of the two places."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("way") == "list":
            upload = data.get("file")
            if upload and upload.size > MAX_FILE:
                self.add_error("file", _("A list has 2 MB at most."))
            elif not upload and not data.get("numbers", "").strip():
                self.add_error("numbers", _("Paste the numbers, or choose a file."))
        return data

    def segment(self, channel: Channel) -> Segment | None:
        """The people. Call it after is_valid; None when the list cannot be read, with the reason at its field."""
        data = self.cleaned_data
        if data["way"] != "list":
            return Segment(topic=data["topic"], wrote_days=data["wrote_days"], silent_days=data["silent_days"])
        name, text = "numbers", data["numbers"]
        try:
            if data["file"]:
                name, text = "file", data["file"].read().decode("utf-8-sig")
            return segments.match(channel, text)
        except UnicodeDecodeError:
            self.add_error(name, _("This is no text in UTF-8. Save it as CSV (UTF-8)."))
        except segments.NotRead as error:
            self.add_error(name, str(error))
        return None


def initial(segment: Segment | None, topic: str) -> dict[str, Any]:
    """The form as it was filled in, or as one begins."""
    if segment is None:
        return {"way": "known", "topic": topic}
    if segment.is_list:
        return {"way": "list", "topic": topic}
    return {
        "way": "known", "topic": segment.topic, "wrote_days": segment.wrote_days, "silent_days": segment.silent_days,
    }  # fmt: skip
