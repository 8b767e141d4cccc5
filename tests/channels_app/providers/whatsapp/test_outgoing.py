"""What WhatsApp takes, and the body of each kind of send (providers/whatsapp.md 11)."""

from io import BytesIO
from typing import Any

import pytest

from channels_app.contract import (
    Choice,
    OutboundChoices,
    OutboundMedia,
    OutboundMessage,
    OutboundTemplate,
    Permanent,
    ReadsBack,
)
from channels_app.providers.whatsapp.provider import WhatsApp
from channels_app.templates.contract import KeepsTemplates

LENA = {"wa_id": "491701112233", "bsuid": "DE.7011223344556677"}
NAMELESS = {"bsuid": "DE.7011223344556677"}
TEXT = "Shall we send it today?"


@pytest.fixture
def calls(monkeypatch) -> list[tuple[str, str, dict[str, Any]]]:
    made: list[tuple[str, str, dict[str, Any]]] = []

    def call(_self, method, path, _credentials, **request):
        made.append((method, path, request))
        return {"id": "520000000000001"} if path.endswith("/media") else {"messages": [{"id": "wamid.out"}]}

    monkeypatch.setattr(WhatsApp, "_call", call)
    return made


def sent(calls, **message: Any) -> dict[str, Any]:
    """The body of the send."""
    given = {"handles": LENA, "reference": "om1.7f3a91"} | message
    assert WhatsApp().send("210000000000501", {"token": "t"}, OutboundMessage(**given)) == "wamid.out"
    return calls[-1][2]["json"]


def buttons(*titles: str) -> OutboundChoices:
    return OutboundChoices(buttons=[Choice(str(number), title) for number, title in enumerate(titles)])


def rows(count: int, title: str = "09:00", **more: Any) -> OutboundChoices:
    listed = [Choice(f"slot-{number}", title, "Wednesday morning") for number in range(count)]
    return OutboundChoices(sections=[("Wednesday", listed)], **({"button": "Times"} | more))


def test_the_provider_can_do_both():
    assert isinstance(WhatsApp(), ReadsBack) and isinstance(WhatsApp(), KeepsTemplates)


def test_meta_089_a_number_is_addressed_with_plus_and_a_scoped_id_as_recipient(calls):
    assert sent(calls, text="Hi")["to"] == "+491701112233"
    body = sent(calls, text="Hi", handles=NAMELESS)
    assert body["recipient"] == NAMELESS["bsuid"] and "to" not in body


def test_meta_089_an_authentication_template_to_a_scoped_id_is_refused_before_the_call(calls):
    code = OutboundTemplate("code", "en", "authentication")
    with pytest.raises(Permanent):
        sent(calls, template=code, handles=NAMELESS)
    assert calls == []
    assert sent(calls, template=code)["template"] == {"name": "code", "language": {"code": "en"}}


def test_a_template_goes_out_with_its_components_and_its_file_above_them(calls):
    body = [{"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Lena"}]}]
    template = OutboundTemplate("order_ready", "pt_PT", "utility", body)
    assert sent(calls, template=template, text="Hello Lena")["template"] == {
        "name": "order_ready", "language": {"code": "pt_PT"}, "components": body,
    }  # fmt: skip
    file = OutboundMedia("document", "application/pdf", "invoice.pdf", 4, BytesIO(b"%PDF"))
    header = sent(calls, template=template, media=file)["template"]["components"][0]
    assert header == {
        "type": "header",
        "parameters": [{"type": "document", "document": {"id": "520000000000001", "filename": "invoice.pdf"}}],
    }


def test_reply_buttons_and_lists_have_metas_form(calls):
    choices = OutboundChoices(
        buttons=[Choice("ship", "Yes, today"), Choice("wait", "Wait")], header="Order 4711", footer="Northwind Tea"
    )
    assert sent(calls, text=TEXT, choices=choices)["interactive"] == {
        "type": "button",
        "header": {"type": "text", "text": "Order 4711"},
        "body": {"text": TEXT},
        "footer": {"text": "Northwind Tea"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "ship", "title": "Yes, today"}},
                {"type": "reply", "reply": {"id": "wait", "title": "Wait"}},
            ]
        },
    }
    listed = sent(calls, text="Pick a time", choices=rows(1))["interactive"]
    assert listed["type"] == "list" and listed["action"] == {
        "button": "Times",
        "sections": [
            {"title": "Wednesday", "rows": [{"id": "slot-0", "title": "09:00", "description": "Wednesday morning"}]}
        ],
    }


def test_a_reaction_is_set_and_taken_back_and_quotes_nothing(calls):
    for emoji in ("🙏", ""):
        body = sent(calls, reaction=emoji, reply_to="wamid.theirs")
        assert body["reaction"] == {"message_id": "wamid.theirs", "emoji": emoji} and "context" not in body


def test_places_cards_and_quotes_have_metas_form(calls):
    place = {"latitude": 41.1496, "longitude": -8.6109, "name": "Northwind Tea"}
    assert sent(calls, location=place, reply_to="wamid.theirs")["location"] == place
    assert calls[-1][2]["json"]["context"] == {"message_id": "wamid.theirs"}
    card = {"name": "Northwind Support", "phones": ["+493012345678"], "emails": [], "org": "Northwind"}
    assert sent(calls, cards=[card])["contacts"] == [
        {
            "name": {"formatted_name": "Northwind Support", "first_name": "Northwind"},
            "phones": [{"phone": "+493012345678", "type": "WORK"}],
            "org": {"company": "Northwind"},
        }
    ]


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ({"text": "x" * 4097}, "4,096"),
        ({"text": "x" * 1025, "media": OutboundMedia("image", "image/png", "a.png", 5, BytesIO(b"x"))}, "1,024"),
        ({"text": TEXT, "choices": buttons("1", "2", "3", "4")}, "3"),
        ({"text": TEXT, "choices": buttons("x" * 21)}, "20"),
        ({"text": TEXT, "choices": buttons("")}, "20"),
        ({"text": TEXT, "choices": buttons("Same", "Same")}, "of its own"),
        ({"text": "x" * 1025, "choices": buttons("Yes")}, "1,024"),
        ({"text": " ", "choices": buttons("Yes")}, "empty"),
        ({"text": TEXT, "choices": OutboundChoices(buttons=[Choice("a", "Yes")], header="x" * 61)}, "60"),
        ({"text": TEXT, "choices": OutboundChoices(buttons=[Choice("x" * 257, "Yes")])}, "256"),
        ({"text": TEXT, "choices": rows(11)}, "10"),
        ({"text": TEXT, "choices": rows(1, "x" * 25)}, "24"),
        ({"text": TEXT, "choices": rows(1, button="")}, "20"),
        ({"text": "x" * 4097, "choices": rows(1)}, "4,096"),
        ({"text": TEXT, "choices": OutboundChoices(button="Go", sections=[("", [Choice("a", "A")])] * 2)}, "title"),
        ({"text": TEXT, "choices": OutboundChoices(button="Go", sections=[("", [Choice("a", "A", "x" * 73)])])}, "72"),
        ({"text": TEXT, "choices": OutboundChoices()}, "3"),
        ({"reaction": "ok"}, "one emoji"),
        ({"reaction": "👍 "}, "one emoji"),
        ({"location": {"latitude": 91, "longitude": 0}}, "90"),
        ({"location": {"latitude": 1}}, "180"),
        ({"cards": [{"name": ""}]}, "name"),
        ({"media": OutboundMedia("image", "image/heic", "a.heic", 5, BytesIO(b"x"))}, "kind of file"),
        ({"media": OutboundMedia("image", "image/png", "a.png", 6 * 1024 * 1024, BytesIO(b"x"))}, "5 MB"),
        ({"media": OutboundMedia("sticker", "image/webp", "a.webp", 600 * 1024, BytesIO(b"x"))}, "500 kB"),
    ],
)  # fmt: skip
def test_meta_100_what_is_over_a_limit_is_refused_with_the_limit_and_without_a_call(calls, message, limit):
    assert limit in WhatsApp().refuse(OutboundMessage(LENA, "", **message))
    with pytest.raises(Permanent):
        sent(calls, **message)
    assert calls == []


def test_meta_100_what_is_just_within_the_limits_is_taken():
    for message in (
        {"text": "x" * 4096},
        {"text": "x" * 1024, "choices": buttons("x" * 20, "y" * 20, "z" * 20)},
        {"text": TEXT, "choices": rows(10, "x" * 24)},
        {"reaction": "👨‍👩‍👧‍👦"}, {"reaction": "❤️"}, {"reaction": "1️⃣"}, {"reaction": ""},
    ):  # fmt: skip
        assert WhatsApp().refuse(OutboundMessage(LENA, "", reply_to="wamid.theirs", **message)) == ""


def test_a_reaction_to_nothing_is_refused():
    assert "belongs to a message" in WhatsApp().refuse(OutboundMessage(LENA, "", reaction="👍"))


def test_meta_101_typing_is_told_together_with_reading(calls):
    platform = WhatsApp()
    platform.mark_read("210000000000501", {}, LENA, "wamid.theirs")
    platform.mark_read("210000000000501", {}, LENA, "wamid.theirs", is_typing=True)
    assert calls[0][2]["json"] == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.theirs"}
    assert calls[1][2]["json"] == calls[0][2]["json"] | {"typing_indicator": {"type": "text"}}
