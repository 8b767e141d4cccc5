"""A template read, filled in, and checked before it is handed in."""

import pytest

from channels_app.templates import drafts, form
from channels_app.templates.drafts import ButtonWanted, Wanted

READY = [
    {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["4711"]}},
    {
        "type": "BODY", "text": "Hello {{first_name}}, your order is ready.",
        "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Lena"}]},
    },
    {"type": "FOOTER", "text": "Northwind Tea"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Thanks"},
            {"type": "URL", "text": "Details", "url": "https://n.example/o/{{1}}", "example": ["https://n.example/o/4711"]},
        ],
    },
]  # fmt: skip
VALUES = {"header.1": "4711", "body.first_name": "Rui", "button.1": "4711"}


def test_a_template_asks_for_its_variables_with_their_examples():
    read = form.read(READY)
    assert [(slot.key, slot.example, slot.button) for slot in read.slots] == [
        ("header.1", "4711", ""), ("body.first_name", "Lena", ""), ("button.1", "4711", "Details"),
    ]  # fmt: skip
    assert read.problem == ""


def test_filled_in_it_reads_as_sent_and_has_the_platforms_form():
    filled = form.fill(form.read(READY), VALUES)
    assert (filled.header, filled.body, filled.footer) == (
        "Order 4711",
        "Hello Rui, your order is ready.",
        "Northwind Tea",
    )
    assert list(filled.components) == [
        {"type": "header", "parameters": [{"type": "text", "text": "4711"}]},
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Rui"}]},
        {"type": "button", "index": "1", "sub_type": "url", "parameters": [{"type": "text", "text": "4711"}]},
    ]


def test_counted_variables_go_in_their_order_whatever_the_text_says():
    read = form.read([{"type": "BODY", "text": "You get {{2}} from {{1}} and again {{2}} soon."}])
    parameters = form.fill(read, {"body.1": "Ines", "body.2": "tea"}).components[0]["parameters"]
    assert [each["text"] for each in parameters] == ["Ines", "tea"]


@pytest.mark.parametrize("value", ["", "   ", "two\nlines", "a\ttab", "five     spaces", "x" * 1025])
def test_meta_097_a_wrong_value_is_named_by_its_variable(value):
    with pytest.raises(form.NotFilled) as refused:
        form.fill(form.read(READY), VALUES | {"body.first_name": value})
    assert set(refused.value.problems) == {"body.first_name"}


def test_a_text_too_long_once_filled_is_refused():
    with pytest.raises(form.NotFilled):
        form.fill(form.read(READY), VALUES | {"body.first_name": "x" * 1020})


def test_the_code_of_an_authentication_template_goes_onto_its_button_too():
    read = form.read([
        {"type": "BODY", "text": "{{1}} is your code."},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy", "url": "https://w.example/?otp_type=COPY_CODE&code={{1}}"}]},
    ])  # fmt: skip
    assert [slot.key for slot in read.slots] == ["body.1"]
    button = form.fill(read, {"body.1": "284913"}).components[1]
    assert button["sub_type"] == "url" and button["parameters"] == [{"type": "text", "text": "284913"}]


@pytest.mark.parametrize(
    "components",
    [None, [], [{}], [{"type": 7}], [{"type": "BODY", "text": None}], [{"type": "BUTTONS", "buttons": "x"}],
     [{"type": "BODY", "text": "x", "example": "y"}], [{"type": "BUTTONS", "buttons": [None, 3]}],
     [{"type": "CAROUSEL"}, {"type": "BODY", "text": "x"}], [{"type": "HEADER", "format": "LOCATION"}]],
)  # fmt: skip
def test_whatever_the_platform_gives_is_read_without_an_error(components):
    read = form.read(components)
    assert form.preview(read, {}) is not None and (read.problem or read.body)


GOOD = Wanted(
    "order_ready", "pt_PT", "utility", "Hello {{first_name}}, your order is ready for pick-up.",
    examples={"first_name": "Lena"},
)  # fmt: skip


def test_a_draft_has_the_platforms_form():
    made = drafts.draft(GOOD)
    assert made.is_named and list(made.components) == [
        {
            "type": "BODY", "text": GOOD.body,
            "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Lena"}]},
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Order Ready"}, "name"),
        ({"language": "English"}, "language"),
        ({"category": "authentication"}, "category"),
        ({"body": ""}, "body"),
        ({"body": "x" * 1025}, "body"),
        ({"body": "{{first_name}}, your order is ready."}, "body"),
        ({"body": "Your order is ready, {{first_name}}"}, "body"),
        ({"body": "Hello {{first_name}} {{last_name}}, your order is ready."}, "body"),
        ({"body": "Hello {{first_name}}."}, "body"),
        ({"body": "Hello {{ first name }}, your order is ready."}, "body"),
        ({"body": "Hello {{2}}, your order is ready.", "examples": {"2": "x"}}, "body"),
        ({"examples": {}}, "examples"),
        ({"header": "x" * 61}, "header"),
        ({"footer": "To {{1}}"}, "footer"),
        ({"buttons": [ButtonWanted("quick_reply", "x" * 26)]}, "buttons"),
        ({"buttons": [ButtonWanted("quick_reply", str(n)) for n in range(11)]}, "buttons"),
        ({"buttons": [ButtonWanted("url", "Go", "http://n.example")]}, "buttons"),
        ({"buttons": [ButtonWanted("phone_number", "Call", "call me")]}, "buttons"),
    ],
)  # fmt: skip
def test_what_meta_would_refuse_is_refused_here_with_its_field(change, field):
    values = {name: getattr(GOOD, name) for name in GOOD.__slots__} | change
    with pytest.raises(drafts.NotValid) as refused:
        drafts.draft(Wanted(**values))
    assert field in refused.value.problems
