"""A template read and filled in. Pure: components in, what to ask for out; values in, what is sent and what it reads like.

A template's `components` are the platform's own (providers/whatsapp.md 13); they come from outside and may hold anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
MAX_VALUE = 1024
LONGEST = {"header": 60, "body": 1024}
FILES = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
_TAPPED = {"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "VOICE_CALL"}
_BREAKS = re.compile(r"[\n\r\t]| {5,}")


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing to fill in. `key` names it in forms and in the API: `body.first_name`, `header.1`, `button.0`."""

    key: str
    part: str  # header, body, button
    name: str  # the variable's
    example: str = ""
    button: str = ""  # the words on the button


@dataclass(frozen=True, slots=True)
class Button:
    """What can be tapped under it."""

    index: int
    kind: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """A template as it is filled in. `problem` says why it cannot be sent from here, "" when it can."""

    header: str = ""
    header_file: str = ""  # image, video, document: the kind of file that stands above
    body: str = ""
    footer: str = ""
    buttons: Sequence[Button] = ()
    slots: Sequence[Slot] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What is sent, and what it reads like."""

    header: str
    body: str
    footer: str
    buttons: Sequence[str]
    components: Sequence[Mapping[str, Any]]


class NotFilled(Exception):
    """Values are missing or wrong: slot's key -> why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _places(text: str) -> list[str]:
    """The variables of a text, each once, in order."""
    return list(dict.fromkeys(PLACE.findall(text)))


def _examples(component: Mapping[str, Any], part: str) -> dict[str, str]:
    given = component.get("example")
    given = given if isinstance(given, dict) else {}
    named = given.get(f"{part}_text_named_params")
    if isinstance(named, list):
        return {_text(each.get("param_name")): _text(each.get("example")) for each in named if isinstance(each, dict)}
    listed = given.get(f"{part}_text")
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        listed = listed[0]
    return {str(number): _text(each) for number, each in enumerate(listed, 1)} if isinstance(listed, list) else {}


def _slots(component: Mapping[str, Any], part: str, text: str) -> list[Slot]:
    examples = _examples(component, part)
    return [Slot(f"{part}.{name}", part, name, examples.get(name, "")) for name in _places(text)]


def read(components: Sequence[Mapping[str, Any]] | None) -> TemplateForm:
    """What a template asks for."""
    header = header_file = body = footer = problem = ""
    slots: list[Slot] = []
    buttons: list[Button] = []
    for component in components or ():
        kind, text = _text(component.get("type")).upper(), _text(component.get("text"))
        if kind == "HEADER":
            format_ = _text(component.get("format")).upper() or "TEXT"
            if format_ == "TEXT":
                header = text
                slots += _slots(component, "header", text)
            elif format_ in FILES:
                header_file = FILES[format_]
            else:
                problem = "Templates with a place above the text are sent from WhatsApp Manager."
        elif kind == "BODY":
            body = text
            slots += _slots(component, "body", text)
        elif kind == "FOOTER":
            footer = text
        elif kind == "BUTTONS":
            listed = component.get("buttons")
            for index, each in enumerate(listed if isinstance(listed, list) else ()):
                each = each if isinstance(each, dict) else {}
                button = Button(index, _text(each.get("type")).upper(), _text(each.get("text")), _text(each.get("url")))
                buttons.append(button)
                slots += _slots_of_button(button, each)
                if button.kind not in _TAPPED:
                    problem = "Templates with these buttons are not sent from here yet."
        else:
            problem = "Templates of this form are not sent from here yet."
    if not body and not problem:
        problem = "This template has no text."
    return TemplateForm(header, header_file, body, footer, buttons, slots, problem)


def _slots_of_button(button: Button, given: Mapping[str, Any]) -> list[Slot]:
    example = given.get("example")
    example = example[0] if isinstance(example, list) and example else example
    if button.kind == "COPY_CODE":
        return [Slot(f"button.{button.index}", "button", "code", _text(example), button.text)]
    if button.kind == "URL" and PLACE.search(button.url) and not _is_code(button):
        shown = _text(example).removeprefix(button.url.split("{{")[0])
        return [Slot(f"button.{button.index}", "button", "url", shown, button.text)]
    return []


def _is_code(button: Button) -> bool:
    """A button that copies the code of an authentication template: it takes the code of the text."""
    return button.kind == "OTP" or "otp_type=" in button.url


def fill(form: TemplateForm, values: Mapping[str, str]) -> Filled:
    """The template with its values. Raises NotFilled."""
    problems: dict[str, str] = {}
    given = {slot.key: str(values.get(slot.key, "")).strip() for slot in form.slots}
    for slot in form.slots:
        value = given[slot.key]
        if not value:
            problems[slot.key] = "Fill this in: WhatsApp refuses an empty value."
        elif _BREAKS.search(value):
            problems[slot.key] = "A value has no line breaks, no tabs and no more than four spaces in a row."
        elif len(value) > MAX_VALUE:
            problems[slot.key] = f"A value has {MAX_VALUE:,} characters at most."
    header, body = _filled(form.header, "header", given), _filled(form.body, "body", given)
    for part, text in (("header", header), ("body", body)):
        mine = [slot.key for slot in form.slots if slot.part == part]
        if mine and len(text) > LONGEST[part]:
            problems.setdefault(mine[-1], f"Filled in, the text has {len(text):,} characters; {LONGEST[part]:,} fit.")
    if problems:
        raise NotFilled(problems)
    return Filled(header, body, form.footer, [each.text for each in form.buttons], _components(form, given))


def preview(form: TemplateForm, values: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Header and body in pieces, (text, slot's key): what a slot holds, else its example or its name in brackets."""
    examples = {slot.key: slot for slot in form.slots}

    def pieces(text: str, part: str) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for number, piece in enumerate(PLACE.split(text)):
            if number % 2 == 0:
                made += [(piece, "")] if piece else []
                continue
            key = f"{part}.{piece}"
            made.append((values.get(key) or examples[key].example or f"[{piece}]", key))
        return made

    return {"header": pieces(form.header, "header"), "body": pieces(form.body, "body")}


def _filled(text: str, part: str, given: Mapping[str, str]) -> str:
    return PLACE.sub(lambda match: given.get(f"{part}.{match[1]}", ""), text)


def _parameters(form: TemplateForm, part: str, given: Mapping[str, str]) -> list[dict[str, str]]:
    mine = [slot for slot in form.slots if slot.part == part]
    if all(slot.name.isdigit() for slot in mine):  # counted ones go in their order, not in that of the text
        return [{"type": "text", "text": given[slot.key]} for slot in sorted(mine, key=lambda slot: int(slot.name))]
    return [{"type": "text", "parameter_name": slot.name, "text": given[slot.key]} for slot in mine]


def _components(form: TemplateForm, given: Mapping[str, str]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for part in ("header", "body"):
        if parameters := _parameters(form, part, given):
            made.append({"type": part, "parameters": parameters})
    code = next((given[slot.key] for slot in form.slots if slot.part == "body"), "")
    for button in form.buttons:
        one: dict[str, Any] = {"type": "button", "index": str(button.index)}
        if _is_code(button):
            made.append(one | {"sub_type": "url", "parameters": [{"type": "text", "text": code}]})
        elif value := given.get(f"button.{button.index}"):
            if button.kind == "COPY_CODE":
                made.append(
                    one | {"sub_type": "copy_code", "parameters": [{"type": "coupon_code", "coupon_code": value}]}
                )
            else:
                made.append(one | {"sub_type": "url", "parameters": [{"type": "text", "text": value}]})
    return made
