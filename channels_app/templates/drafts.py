"""A new template before anybody is asked: its limits and rules (providers/whatsapp.md 13), and the platform's form of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels_app.templates.contract import TemplateDraft
from channels_app.templates.form import PLACE

MAX_NAME, MAX_HEADER, MAX_BODY, MAX_FOOTER = 512, 60, 1024, 60
MAX_BUTTONS, MAX_BUTTON, MAX_URL = 10, 25, 2000
CATEGORIES = ("utility", "marketing")  # authentication ones have a fixed text and are made in WhatsApp Manager
_NAME = re.compile(r"[a-z0-9_]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,4})?")
_PHONE = re.compile(r"\+?[0-9]{6,20}")
_TOUCHING = re.compile(r"\}\}\s*\{\{")
_WORD = re.compile(r"\w+")
WORDS_A_VARIABLE = 3  # fewer fixed words for each variable are refused by Meta (2388293)


@dataclass(frozen=True, slots=True)
class ButtonWanted:
    """A button: `quick_reply`, `url` or `phone_number`, with where it leads."""

    kind: str
    text: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person filled in. `examples` has a value for each variable, by its name."""

    name: str
    language: str
    category: str
    body: str
    header: str = ""
    footer: str = ""
    buttons: Sequence[ButtonWanted] = ()
    examples: Mapping[str, str] = field(default_factory=dict)


class NotValid(Exception):
    """The template would be refused: field -> why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


def variables(*texts: str) -> list[str]:
    """The variables of texts, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in PLACE.findall(text)))


def draft(wanted: Wanted) -> TemplateDraft:
    """The template in the platform's form. Raises NotValid."""
    problems = _problems(wanted)
    if problems:
        raise NotValid(problems)
    names = variables(wanted.header, wanted.body)
    named = bool(names) and not all(name.isdigit() for name in names)
    components: list[dict[str, Any]] = []
    if wanted.header:
        components.append(
            _with_examples({"type": "HEADER", "format": "TEXT", "text": wanted.header}, "header", wanted, named)
        )
    components.append(_with_examples({"type": "BODY", "text": wanted.body}, "body", wanted, named))
    if wanted.footer:
        components.append({"type": "FOOTER", "text": wanted.footer})
    if wanted.buttons:
        components.append({"type": "BUTTONS", "buttons": [_button(each, wanted.examples) for each in wanted.buttons]})
    return TemplateDraft(wanted.name, wanted.language, wanted.category, components, named)


def _with_examples(component: dict[str, Any], part: str, wanted: Wanted, named: bool) -> dict[str, Any]:
    names = variables(component["text"])
    if not names:
        return component
    if named:
        listed = [{"param_name": name, "example": wanted.examples[name]} for name in names]
        return component | {"example": {f"{part}_text_named_params": listed}}
    values = [wanted.examples[name] for name in sorted(names, key=int)]
    return component | {"example": {f"{part}_text": values if part == "header" else [values]}}


def _button(button: ButtonWanted, examples: Mapping[str, str]) -> dict[str, Any]:
    if button.kind == "url":
        made: dict[str, Any] = {"type": "URL", "text": button.text, "url": button.target}
        if PLACE.search(button.target):
            made["example"] = [PLACE.sub(lambda match: examples.get(match[1]) or "1", button.target)]
        return made
    if button.kind == "phone_number":
        return {"type": "PHONE_NUMBER", "text": button.text, "phone_number": button.target}
    return {"type": "QUICK_REPLY", "text": button.text}


def _problems(wanted: Wanted) -> dict[str, str]:
    found: dict[str, str] = {}
    if not _NAME.fullmatch(wanted.name) or len(wanted.name) > MAX_NAME:
        found["name"] = "Small letters a to z, digits and underscores only, 512 at most."
    if not _LANGUAGE.fullmatch(wanted.language):
        found["language"] = "A language code as WhatsApp writes it: en, pt_PT, de."
    if wanted.category not in CATEGORIES:
        found["category"] = "Choose utility or marketing."
    if reason := _body(wanted.body):
        found["body"] = reason
    if len(wanted.header) > MAX_HEADER:
        found["header"] = f"The header has {MAX_HEADER} characters at most; this has {len(wanted.header)}."
    elif "\n" in wanted.header or len(variables(wanted.header)) > 1:
        found["header"] = "The header is one line with one variable at most."
    if len(wanted.footer) > MAX_FOOTER or "\n" in wanted.footer or PLACE.search(wanted.footer):
        found["footer"] = f"The footer is one line of {MAX_FOOTER} characters at most, without variables."
    names = variables(wanted.header, wanted.body)
    counted = [name for name in names if name.isdigit()]
    if counted and len(counted) < len(names):
        found["body"] = "Either all variables have names or all have numbers."
    for text in (wanted.header, wanted.body):
        numbers = sorted(int(name) for name in variables(text) if name.isdigit())
        if numbers and numbers != list(range(1, len(numbers) + 1)):
            found["body"] = "Numbered variables count from {{1}} without a gap, in each text."
    missing = [name for name in names if not wanted.examples.get(name, "").strip()]
    if missing:
        listed = ", ".join("{{" + name + "}}" for name in missing)
        found["examples"] = f"Meta wants an example for each variable: {listed}."
    if reason := _buttons(wanted.buttons):
        found["buttons"] = reason
    return found


def _body(body: str) -> str:
    if not body.strip():
        return "The text is empty."
    if len(body) > MAX_BODY:
        return f"The text has {MAX_BODY:,} characters at most; this has {len(body):,}."
    text = body.strip()
    if (first := PLACE.match(text)) or text.endswith("}}"):
        return "The text may not begin with a variable." if first else "The text may not end with a variable."
    if _TOUCHING.search(text):
        return "Two variables may not stand next to each other."
    if "{{" in PLACE.sub("", text) or "}}" in PLACE.sub("", text):
        return "A variable is written {{1}} or {{first_name}}."
    count, fixed = len(PLACE.findall(text)), len(_WORD.findall(PLACE.sub(" ", text)))
    if count and fixed < count * WORDS_A_VARIABLE:
        return f"Too many variables for so short a text: Meta wants about {WORDS_A_VARIABLE} other words for each."
    return ""


def _buttons(buttons: Sequence[ButtonWanted]) -> str:
    if len(buttons) > MAX_BUTTONS:
        return f"A template has {MAX_BUTTONS} buttons at most."
    kinds = [each.kind for each in buttons]
    if kinds.count("url") > 2 or kinds.count("phone_number") > 1:
        return "A template has two links and one phone number at most."
    replies = [kind == "quick_reply" for kind in kinds]
    if replies != sorted(replies, reverse=True) and replies != sorted(replies):
        return "Quick replies stand together, before or after the other buttons."
    for each in buttons:
        if each.kind not in ("quick_reply", "url", "phone_number"):
            return "A button is a quick reply, a link or a phone number."
        if not each.text.strip() or len(each.text) > MAX_BUTTON or PLACE.search(each.text):
            return (
                f"A button has 1 to {MAX_BUTTON} characters and no variable; “{each.text[:40]}” has {len(each.text)}."
            )
        if each.kind == "phone_number" and not _PHONE.fullmatch(each.target):
            return f"“{each.text}” needs a phone number with its country code."
        if each.kind == "url":
            inside = PLACE.findall(each.target)
            if not each.target.startswith("https://") or len(each.target) > MAX_URL or len(inside) > 1:
                return f"“{each.text}” needs an https address with one variable at most."
            if inside and not each.target.endswith("}}"):
                return "A variable in an address stands at its end."
    return ""
