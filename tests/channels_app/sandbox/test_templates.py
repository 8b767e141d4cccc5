"""WhatsApp's templates, choices, edits, other numbers and the shop's own phone."""

import pytest

from tests.channels_app.sandbox.conftest import NUMBER, PERSON, WABA

BODY = {"type": "BODY", "text": "Hello {{first_name}}, your order is ready."}
BUTTONS = {
    "type": "BUTTONS",
    "buttons": [
        {"type": "QUICK_REPLY", "text": "Thanks"},
        {"type": "URL", "text": "See", "url": "https://n.example/{{1}}"},
    ],
}
NEW = {"name": "order_ready", "language": "pt_PT", "category": "UTILITY", "parameter_format": "named"}


def _code(answer):
    return answer.json()["error"]["code"]


@pytest.fixture
def hand_in(graph):
    def create(**changes):
        return graph("POST", f"{WABA}/message_templates", json={**NEW, "components": [BODY, BUTTONS], **changes})

    return create


@pytest.fixture
def send(graph):
    def call(name="order_ready", parameters=None, **more):
        given = [{"type": "text", "parameter_name": "first_name", "text": "Lena"}] if parameters is None else parameters
        template = {"name": name, "language": {"code": "pt_PT"}, "components": [{"type": "body", "parameters": given}]}
        body = {"messaging_product": "whatsapp", "to": f"+{PERSON}", "type": "template", "template": template}
        return graph("POST", f"{NUMBER}/messages", json=body | more)

    return call


def test_a_template_waits_for_its_review_and_the_decision_is_told(graph, hand_in, meta, receiver):
    answer = hand_in().json()
    assert answer["status"] == "PENDING" and meta.settle()
    told = receiver.values()[-1]
    assert (told["event"], told["message_template_id"]) == ("APPROVED", int(answer["id"]))
    assert graph("GET", answer["id"]).json()["status"] == "APPROVED"
    meta.configure(review="reject")
    second = hand_in(name="other").json()["id"]
    assert meta.settle() and receiver.values()[-1]["event"] == "REJECTED"
    listed = graph(
        "GET", f"{WABA}/message_templates", params={"fields": "id,name,status,rejected_reason", "limit": "1"}
    ).json()
    assert listed["data"][0]["status"] == "APPROVED" and listed["paging"]["next"]
    after = {"limit": "1", "after": listed["paging"]["cursors"]["after"]}
    assert [each["id"] for each in graph("GET", f"{WABA}/message_templates", params=after).json()["data"]] == [second]


def test_what_waits_is_decided_by_hand_and_quality_is_told(hand_in, meta, receiver):
    meta.configure(review="wait")
    made = hand_in().json()["id"]
    assert meta.settle() and receiver.posts == []
    meta.decide_template(made, "APPROVED")
    meta.rate_template(made, "YELLOW")
    meta.decide_template(made, "PAUSED")
    assert meta.settle()
    approved, quality, paused = receiver.values()
    assert (quality["previous_quality_score"], quality["new_quality_score"]) == ("UNKNOWN", "YELLOW")
    assert approved["event"] == "APPROVED" and paused["other_info"]["title"] == "FIRST_PAUSE"


def test_one_language_is_deleted_or_all_and_an_edit_is_reviewed_again(graph, hand_in, meta):
    first, second = hand_in().json()["id"], hand_in(language="de").json()["id"]
    assert meta.settle()
    changed = {"components": [{"type": "BODY", "text": "Your order is ready."}]}
    assert graph("POST", first, json=changed).json() == {"success": True}
    assert graph("GET", first).json()["status"] == "PENDING"
    one = {"name": "order_ready", "hsm_id": second}
    assert graph("DELETE", f"{WABA}/message_templates", params=one).json() == {"success": True}
    assert len(graph("GET", f"{WABA}/message_templates").json()["data"]) == 1
    assert _code(graph("GET", second)) == 100


@pytest.mark.parametrize(
    "changes",
    [{"name": "Order"}, {"category": "NEWS"}, {"components": []}, {"components": [{"type": "BODY", "text": "{{1}}"}]}],
)
def test_a_template_of_no_form_is_refused(hand_in, changes):
    assert _code(hand_in(**changes)) == 100


def test_a_send_of_a_template_is_checked_against_it(graph, hand_in, send, meta):
    meta.configure(review="wait")
    assert _code(send()) == 132001
    made = hand_in().json()["id"]
    assert _code(send()) == 132001  # it waits for its review
    meta.decide_template(made, "APPROVED")
    assert _code(send(parameters=[])) == 132000
    assert _code(send(parameters=[{"type": "text", "text": "Lena"}])) == 132012
    assert _code(send(parameters=[{"type": "text", "parameter_name": "first_name", "text": "a\nb"}])) == 132007
    assert send().status_code == 200
    meta.decide_template(made, "PAUSED")
    assert _code(send()) == 132015
    meta.decide_template(made, "DISABLED")
    assert _code(send()) == 132016
    assert [each["text"] for each in meta.sent()] == ["Hello Lena, your order is ready."]


@pytest.mark.parametrize(("kind", "code"), [("held", 132015), ("too_often", 131049), ("opted_out", 131050)])
def test_a_template_is_taken_and_fails_later_in_such_weather(hand_in, send, meta, receiver, kind, code):
    hand_in()
    assert meta.settle()
    meta.fault(kind)
    answer = send().json()["messages"][0]
    assert answer["message_status"] == ("held_for_quality_assessment" if kind == "held" else "accepted")
    assert meta.settle() and receiver.values()[-1]["statuses"][0]["errors"][0]["code"] == code


def test_the_weather_of_templates_strikes_no_other_message(text, send, hand_in, meta):
    hand_in()
    meta.send(NUMBER, PERSON, text="Hello?")
    assert meta.settle()
    meta.fault("template_paused")
    assert text().status_code == 200 and _code(send()) == 132015 and send().status_code == 200


def test_a_templates_button_is_tapped(send, hand_in, meta, receiver):
    hand_in()
    assert meta.settle()
    wamid = send().json()["messages"][0]["id"]
    assert [each["title"] for each in meta.sent()[0]["choices"]] == ["Thanks", "See"]
    meta.tap(NUMBER, PERSON, wamid, "Thanks")
    assert meta.settle()
    message = receiver.values()[-1]["messages"][0]
    assert message["button"] == {"payload": "Thanks", "text": "Thanks"} and message["context"]["id"] == wamid


def test_buttons_and_rows_are_tapped_and_too_many_are_refused(graph, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")

    def ask(interactive):
        body = {"messaging_product": "whatsapp", "to": f"+{PERSON}", "type": "interactive", "interactive": interactive}
        return graph("POST", f"{NUMBER}/messages", json=body)

    reply = [{"type": "reply", "reply": {"id": f"b{n}", "title": f"Button {n}"}} for n in range(4)]
    row = [{"id": f"r{n}", "title": f"Row {n}", "description": "Wednesday"} for n in range(11)]
    words = {"body": {"text": "Which?"}}
    assert _code(ask({"type": "button", **words, "action": {"buttons": reply}})) == 131009
    assert _code(ask({"type": "list", **words, "action": {"button": "Times", "sections": [{"rows": row}]}})) == 131009
    first = ask({"type": "button", **words, "action": {"buttons": reply[:3]}}).json()["messages"][0]["id"]
    rows = {"button": "Times", "sections": [{"rows": row[:10]}]}
    second = ask({"type": "list", **words, "action": rows}).json()["messages"][0]["id"]
    meta.tap(NUMBER, PERSON, first, "b1")
    meta.tap(NUMBER, PERSON, second, "r9")
    assert meta.settle()
    answers = [value["messages"][0] for value in receiver.values() if "messages" in value][-2:]
    assert answers[0]["interactive"] == {"type": "button_reply", "button_reply": {"id": "b1", "title": "Button 1"}}
    assert answers[1]["interactive"]["list_reply"] == row[9] and answers[1]["context"]["id"] == second


def test_edits_and_deletions_are_told_only_of_numbers_that_are_used_on_a_phone(meta, receiver):
    first = meta.send(NUMBER, PERSON, text="Hello")["wamid"]
    assert meta.edit(NUMBER, PERSON, first, "Hello!")["webhooks"] == []
    meta.use_on_phone(NUMBER)
    meta.edit(NUMBER, PERSON, first, "Hello there")
    meta.unsend(NUMBER, PERSON, first)
    with pytest.raises(RuntimeError):
        meta.unsend(NUMBER, PERSON, first)
    assert meta.settle()
    edit, revoke = [value["messages"][0] for value in receiver.values()][-2:]
    assert edit["edit"]["message"]["text"] == {"body": "Hello there"}
    assert revoke["revoke"] == {"original_message_id": first} and revoke["id"] != first
    late = meta.send(NUMBER, PERSON, text="Too late")["wamid"]
    meta.configure(clock=16 * 60.0)
    with pytest.raises(RuntimeError, match="15 minutes"):
        meta.edit(NUMBER, PERSON, late, "?")


def test_another_number_is_told_by_a_system_message_without_contacts(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello")
    changed = meta.change_number(PERSON, "491709998877")
    assert meta.settle()
    value = receiver.values()[-1]
    assert "contacts" not in value and value["messages"][0]["from"] == PERSON
    system = value["messages"][0]["system"]
    assert (system["wa_id"], system["user_id"]) == ("491709998877", changed["user_id"])
    assert system["previous_user_id"] == "DE.7011223344556677"
    meta.send(NUMBER, "491709998877", text="It's me")
    assert meta.settle() and receiver.values()[-1]["contacts"][0]["user_id"] == changed["user_id"]


def test_what_the_owner_writes_on_the_phone_comes_as_an_echo_and_can_be_taken_back(meta, receiver):
    with pytest.raises(RuntimeError, match="Business app"):
        meta.write_elsewhere(NUMBER, PERSON, "From the phone")
    meta.use_on_phone(NUMBER)
    wamid = meta.write_elsewhere(NUMBER, PERSON, "From the phone")
    meta.unsend_elsewhere(NUMBER, wamid)
    assert meta.settle()
    sent, revoked = [value["message_echoes"][0] for value in receiver.values()]
    assert (sent["to"], sent["text"], sent["id"]) == (PERSON, {"body": "From the phone"}, wamid)
    assert revoked["revoke"] == {"original_message_id": wamid}


def test_marketing_is_stopped_in_whatsapps_own_menu(meta, receiver):
    meta.prefer(NUMBER, PERSON, "stop")
    assert meta.settle()
    told = receiver.values()[-1]["user_preferences"][0]
    assert (told["value"], told["wa_id"]) == ("stop", PERSON) and isinstance(told["timestamp"], int)


def test_a_blocked_person_reaches_nobody_and_each_is_answered_for(graph, meta, receiver):
    def blocks(method, *people):
        body = {"messaging_product": "whatsapp", "block_users": [{"user": each} for each in people]}
        return graph(method, f"{NUMBER}/block_users", json=body)

    assert blocks("POST", f"+{PERSON}").status_code == 400  # nothing was written for a day
    meta.send(NUMBER, PERSON, text="Hello")
    mixed = blocks("POST", f"+{PERSON}", "+4915228899999")
    assert mixed.status_code == 400
    answer = mixed.json()["block_users"]
    assert answer["added_users"][0]["wa_id"] == PERSON and answer["failed_users"][0]["errors"][0]["code"] == 139100
    listed = graph("GET", f"{NUMBER}/block_users").json()["data"][0]["block_users"]
    assert [each["wa_id"] for each in listed] == [PERSON]
    assert meta.send(NUMBER, PERSON, text="Hello?")["webhooks"] == []
    assert blocks("DELETE", f"+{PERSON}").status_code == 200
    assert len(meta.send(NUMBER, PERSON, text="Hello?")["webhooks"]) == 1
