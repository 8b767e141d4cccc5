"""The form of a new or changed template: buttons and examples are one a line, so that it works without a script."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_app.models import MessageTemplate
from channels_app.templates import drafts, form, words
from channels_app.templates.drafts import ButtonWanted, Wanted


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class TemplateForm(forms.Form):
    """What a person fills in."""

    name = forms.CharField(
        label=_("Name"), max_length=drafts.MAX_NAME, help_text=_("Small letters, digits, underscores: order_ready"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    language = forms.CharField(
        label=_("Language"), max_length=20, initial="en", help_text=_("As WhatsApp writes it: en, de, pt_PT")
    )
    category = forms.ChoiceField(
        label=_("Category"), choices=[(each, words.CATEGORIES[each]) for each in drafts.CATEGORIES],
        help_text=_("Utility: about something the person ordered or asked for. Marketing: everything else. Prices differ."),
    )  # fmt: skip
    header = forms.CharField(label=_("Header"), required=False, max_length=200)
    body = forms.CharField(
        label=_("Text"), widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}), max_length=4000,
        help_text=_("Variables are written {{first_name}} or {{1}}."),
    )  # fmt: skip
    footer = forms.CharField(label=_("Footer"), required=False, max_length=200)
    examples = forms.CharField(
        label=_("Examples"), required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=8000,
        help_text=_("One line for each variable: first_name = Lena. Meta's reviewers read them; use no real person's data."),
    )  # fmt: skip
    buttons = forms.CharField(
        label=_("Buttons"), required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=8000,
        help_text=_(
            "One a line. A quick reply: Thanks. A link: Track it | https://shop.example/o/{{1}}. "
            "A number: Call us | +49 30 1234567"
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, known: MessageTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known is not None:  # they stay: another name or language is another template
            for name in ("name", "language"):
                del self.fields[name]
            if known.is_usable:
                del self.fields["category"]
        self._known = known

    def wanted(self) -> Wanted:
        """The template that is asked for. Call it after is_valid."""
        data = self.cleaned_data
        known = self._known
        return Wanted(
            name=known.name if known else data["name"].strip(),
            language=known.language if known else data["language"].strip(),
            category=data.get("category") or (known.category if known else ""),
            header=data["header"].strip(),
            body=data["body"].replace("\r\n", "\n").strip(),
            footer=data["footer"].strip(),
            buttons=[_button(line) for line in _lines(data["buttons"])],
            examples=_examples(data["examples"]),
        )

    def blame(self, problems: Mapping[str, str]) -> None:
        """Show reasons at their fields."""
        for name, reason in problems.items():
            self.add_error(name if name in self.fields else None, reason)


def _button(line: str) -> ButtonWanted:
    text, _bar, target = (part.strip() for part in line.partition("|"))
    if not target:
        return ButtonWanted("quick_reply", text)
    if "://" in target or "." in target.split("/")[0]:
        return ButtonWanted("url", text, target)
    return ButtonWanted("phone_number", text, "".join(each for each in target if each not in " ()-/"))


def _examples(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in _lines(text))
    return {name.strip().strip("{}").strip(): value.strip() for name, _equals, value in pairs}


def initial(row: MessageTemplate) -> dict[str, str]:
    """A stored template as the form has it."""
    read = form.read(row.components)
    lines = []
    for component in row.components or ():
        for button in component.get("buttons") or () if component.get("type") == "BUTTONS" else ():
            target = button.get("url") or button.get("phone_number") or ""
            lines.append(f"{button.get('text', '')} | {target}" if target else str(button.get("text", "")))
    known = {slot.name: slot.example for slot in read.slots if slot.part != "button"}
    return {
        "category": row.category,
        "header": read.header,
        "body": read.body,
        "footer": read.footer,
        "examples": "\n".join(f"{name} = {example}" for name, example in known.items()),
        "buttons": "\n".join(lines),
    }
