"""What a person fills in about a contact's opt-in."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import OptIn
from conversations.opt_ins.ledger import TOPICS

# How somebody can have agreed; the other sources are the product's own to write.
TOLD = [
    (source.value, source.label)
    for source in (
        OptIn.Source.WEBSITE, OptIn.Source.PAPER, OptIn.Source.SPOKEN, OptIn.Source.CHAT, OptIn.Source.IMPORTED,
    )
]  # fmt: skip


class OptInForm(forms.Form):
    """One opt-in: what for, how, in which words, when, and where it can be seen."""

    topic = forms.ChoiceField(label=_("What for"), choices=list(TOPICS.items()))
    source = forms.ChoiceField(label=_("How they agreed"), choices=TOLD)
    wording = forms.CharField(
        label=_("The words they agreed to"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )
    at = forms.DateTimeField(
        label=_("When"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    proof = forms.CharField(
        label=_("Proof"), max_length=500, required=False, help_text=_("Where it can be seen: an address, a number.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="opt-in-%s", **kwargs)
        self.fields["at"].initial = timezone.localtime()

    def clean_at(self) -> Any:
        """A decision that is to come is none."""
        at = self.cleaned_data["at"]
        if at > timezone.now():
            raise forms.ValidationError(_("This is in the future."))
        return at
