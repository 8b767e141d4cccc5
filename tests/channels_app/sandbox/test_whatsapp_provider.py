"""The product's WhatsApp provider and the stand-in understand each other, over real HTTP."""

from collections import Counter

import pytest

from channels_app.contract import (
    AccountEvent,
    Choice,
    Consent,
    Echo,
    Edit,
    InboundMessage,
    OutboundChoices,
    OutboundMessage,
    OutboundTemplate,
    PersonChange,
    Reaction,
    Retryable,
    StatusUpdate,
    Unsent,
)  # fmt: skip
from channels_app.registry import provider
from channels_app.templates.contract import TemplateDraft
from tests.channels_app.sandbox.conftest import NUMBER, PERSON, TOKEN, WABA

CREDENTIALS, HANDLES = {"token": TOKEN}, {"wa_id": PERSON}
BODY = {
    "type": "BODY", "text": "Hello {{1}}, your order is ready.", "example": {"body_text": [["Lena"]]},
}  # fmt: skip
FILLED = {"type": "body", "parameters": [{"type": "text", "text": "Lena"}]}


@pytest.fixture
def whatsapp(meta, settings):
    """The provider, whose calls go to the stand-in."""
    settings.META_GRAPH_URL = meta.graph_url
    return provider("whatsapp")


def _updates(whatsapp, receiver):
    assert all(whatsapp.signature_holds(body, headers) for headers, body in receiver.posts)
    parsed = [whatsapp.parse(body) for _, body in receiver.posts]
    assert not [problem for each in parsed for problem in each.problems]
    return [update for each in parsed for update in each.updates]


def test_a_template_is_kept_sent_and_taken_away(whatsapp, meta, receiver):
    draft = TemplateDraft("order_ready", "en", "utility", (BODY,))
    placed = whatsapp.create_template(WABA, CREDENTIALS, draft)
    assert placed.status == "pending" and meta.settle()
    [facts] = whatsapp.list_templates(WABA, CREDENTIALS)
    assert (facts.external_id, facts.status, facts.category) == (placed.external_id, "approved", "utility")
    sent = OutboundMessage(HANDLES, "om1.1", template=OutboundTemplate("order_ready", "en", "utility", (FILLED,)))
    whatsapp.send(NUMBER, CREDENTIALS, sent)
    assert [each["text"] for each in meta.sent()] == ["Hello Lena, your order is ready."]
    meta.rate_template(placed.external_id, "RED")
    meta.decide_template(placed.external_id, "PAUSED")
    with pytest.raises(Retryable) as refused:  # it may be taken up again
        whatsapp.send(NUMBER, CREDENTIALS, sent)
    assert refused.value.code == 132015 and whatsapp.contradicts_template(132015)
    whatsapp.edit_template(placed.external_id, CREDENTIALS, draft)
    whatsapp.delete_template(WABA, CREDENTIALS, placed.external_id, "order_ready")
    assert whatsapp.list_templates(WABA, CREDENTIALS) == [] and meta.settle()
    told = Counter(each.kind for each in _updates(whatsapp, receiver) if isinstance(each, AccountEvent))
    assert told["template_quality"] == 1 and told["template_status"] >= 2


def test_choices_are_sent_and_what_is_tapped_comes_back(whatsapp, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    buttons = OutboundChoices(buttons=(Choice("yes", "Yes"), Choice("no", "No")), footer="Northwind Tea")
    first = whatsapp.send(NUMBER, CREDENTIALS, OutboundMessage(HANDLES, "om1.1", "Shall we?", choices=buttons))
    rows = OutboundChoices(sections=(("Wednesday", (Choice("r1", "09:00", "Morning"),)),), button="Times")
    second = whatsapp.send(NUMBER, CREDENTIALS, OutboundMessage(HANDLES, "om1.2", "When?", choices=rows))
    meta.tap(NUMBER, PERSON, first, "yes")
    meta.tap(NUMBER, PERSON, second, "r1")
    assert meta.settle()
    tapped = [each for each in _updates(whatsapp, receiver) if isinstance(each, InboundMessage)][1:]
    assert [each.content["choice"]["id"] for each in tapped] == ["yes", "r1"]
    assert [each.reply_to for each in tapped] == [first, second]


def test_what_befalls_messages_and_people_later_is_understood(whatsapp, meta, receiver):
    meta.use_on_phone(NUMBER)
    first = meta.send(NUMBER, PERSON, text="Is it green?")["wamid"]
    meta.edit(NUMBER, PERSON, first, "Is it blue?")
    meta.react(NUMBER, PERSON, first, "❤️")
    meta.unsend(NUMBER, PERSON, first)
    meta.write_elsewhere(NUMBER, PERSON, "From the phone")
    meta.prefer(NUMBER, PERSON, "stop")
    whatsapp.send(NUMBER, CREDENTIALS, OutboundMessage(HANDLES, "om1.1", "Yes"))
    assert meta.settle()
    meta.change_number(PERSON, "491709998877")
    assert meta.settle()
    updates = _updates(whatsapp, receiver)
    kinds = {type(each) for each in updates}
    assert kinds == {InboundMessage, Edit, Reaction, Unsent, Echo, Consent, StatusUpdate, PersonChange}
    change = next(each for each in updates if isinstance(each, PersonChange))
    assert change.person.handles["wa_id"] == "491709998877" and change.former["wa_id"] == PERSON
    assert next(each for each in updates if isinstance(each, Echo)).sent_from == "phone"
