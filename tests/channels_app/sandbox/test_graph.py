"""The stand-in answers as the Graph API does."""

import base64
import hashlib

import pytest
import requests

from tests.channels_app.sandbox.conftest import NUMBER, PERSON, TOKEN, WABA


def _code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_number_shows_the_fields_asked_for_and_its_account_lists_it(graph):
    fields = "id,display_phone_number,verified_name,quality_rating,throughput,status"
    number = graph("GET", NUMBER, params={"fields": fields}).json()
    assert number["verified_name"] == "Northwind Tea" and number["status"] == "CONNECTED"
    listed = graph("GET", f"{WABA}/phone_numbers", params={"fields": "id"}).json()
    assert [each["id"] for each in listed["data"]] == [NUMBER]
    assert graph("GET", WABA, params={"fields": "id,name,currency"}).json()["currency"] == "EUR"
    assert _code(graph("GET", NUMBER, params={"fields": "id,nonsense"})) == (400, 100)


def test_a_wrong_or_revoked_token_is_190_and_a_foreign_object_is_100(graph, meta):
    assert _code(graph("GET", NUMBER, token="nonsense")) == (401, 190)
    meta.create_business(
        waba_id="310000000000202", phone_number_id="210000000000777", display_phone_number="+351 210 000 777",
        verified_name="Elsewhere", token="EAAG-other",
    )  # fmt: skip
    assert _code(graph("GET", NUMBER, token="EAAG-other")) == (400, 100)
    meta.revoke(TOKEN)
    answer = graph("GET", NUMBER)
    assert _code(answer) == (401, 190) and answer.json()["error"]["fbtrace_id"]


def test_the_proof_of_the_app_secret_is_checked_where_it_is_given(graph):
    right = "4eb6d8b02155f80dcc9f795dc9069a5591fad89f5714a067bf581f15083e7369"
    assert graph("GET", NUMBER, params={"appsecret_proof": right}).status_code == 200
    assert _code(graph("GET", NUMBER, params={"appsecret_proof": "0" * 64})) == (400, 100)


def test_debug_token_names_the_accounts_that_a_token_opens(graph):
    found = graph("GET", "debug_token", params={"input_token": TOKEN}).json()["data"]
    assert found["is_valid"] and found["granular_scopes"][0]["target_ids"] == [WABA]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"messaging_product": None}, (400, 100)),
        ({"to": None}, (400, 100)),
        ({"to": "12"}, (400, 131009)),
        ({"type": "hologram"}, (400, 100)),
        ({"text": None}, (400, 131008)),
        ({"text": {"body": "x" * 4097}}, (400, 100)),
        ({"type": "image", "image": {"id": "1"}}, (400, 100)),
        ({"type": "location", "location": {"latitude": 1}}, (400, 131008)),
        ({"type": "location", "location": {"latitude": 100, "longitude": 1}}, (400, 131009)),
        ({"biz_opaque_callback_data": "x" * 513}, (400, 100)),
    ],
)
def test_a_bad_send_is_refused_and_nothing_is_recorded(text, meta, change, wanted):
    assert _code(text(**change)) == wanted
    assert meta.sent() == []


def test_a_send_goes_sent_delivered_and_once_looked_at_read_with_its_callback_data(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    answer = text().json()
    assert answer["contacts"] == [{"input": f"+{PERSON}", "wa_id": PERSON, "user_id": "DE.7011223344556677"}]
    assert meta.settle()
    assert receiver.statuses() == ["sent", "delivered"]
    meta.look(NUMBER, PERSON)
    assert meta.settle() and receiver.statuses() == ["sent", "delivered", "read"]
    last = receiver.values()[-1]["statuses"][0]
    assert last["id"] == answer["messages"][0]["id"] and last["biz_opaque_callback_data"] == "om1.7f3a91"


def test_what_comes_after_the_chat_was_put_away_waits_to_be_read(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    meta.look(NUMBER, PERSON)
    meta.look(NUMBER, PERSON, away=True)
    text()
    assert meta.settle() and receiver.statuses() == ["sent", "delivered"]


def test_a_phone_that_is_off_keeps_messages_at_sent(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    meta.go_offline(PERSON)
    text()
    assert meta.settle() and receiver.statuses() == ["sent"]
    meta.come_online(PERSON)
    assert meta.settle() and receiver.statuses() == ["sent", "delivered"]


def test_a_send_after_24_hours_is_accepted_and_fails_with_131047(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    meta.configure(clock=24 * 3600.0 + 60)
    assert text().status_code == 200
    assert meta.settle() and receiver.statuses() == ["failed"]
    value = receiver.values()[-1]
    assert value["statuses"][0]["errors"][0]["code"] == 131047 and "contacts" not in value


def test_a_send_to_nobody_is_accepted_and_fails_with_131026(text, meta, receiver):
    assert text(to="+4915228899999").status_code == 200
    assert meta.settle()
    assert receiver.values()[-1]["statuses"][0]["errors"][0]["code"] == 131026


def test_an_override_is_stored_only_when_the_callback_answers_the_handshake(graph, receiver, meta):
    callback = f"{receiver.url}/own/"
    wrong = {"override_callback_uri": callback, "verify_token": "wrong"}
    assert _code(graph("POST", f"{WABA}/subscribed_apps", json=wrong)) == (400, 100)
    right = {**wrong, "verify_token": "vt-3f9c1a-omnistra"}
    assert graph("POST", f"{WABA}/subscribed_apps", json=right).json() == {"success": True}
    listed = graph("GET", f"{WABA}/subscribed_apps").json()["data"]
    assert listed[0]["override_callback_uri"] == callback


def test_without_a_subscription_nobody_hears_anything(graph, meta, receiver):
    assert graph("DELETE", f"{WABA}/subscribed_apps").json() == {"success": True}
    assert meta.send(NUMBER, PERSON, text="Hello?")["webhooks"] == []
    assert meta.settle() and receiver.posts == []


def test_media_go_round_up_look_up_down_and_away(graph, meta):
    body = b"\xff\xd8\xff" + bytes(range(256)) * 20
    form = {"messaging_product": "whatsapp", "type": "image/jpeg"}
    made = graph("POST", f"{NUMBER}/media", data=form, files={"file": ("a.jpg", body, "image/jpeg")}).json()
    facts = graph("GET", made["id"], params={"phone_number_id": NUMBER}).json()
    assert facts["sha256"] == hashlib.sha256(body).hexdigest() and facts["file_size"] == len(body)
    assert graph("GET", facts["url"]).content == body
    assert requests.get(facts["url"], timeout=10).status_code == 401
    meta.configure(clock=301.0)
    assert graph("GET", facts["url"]).status_code == 404
    assert graph("DELETE", made["id"]).json() == {"success": True}
    assert _code(graph("GET", made["id"])) == (400, 100)


def test_an_upload_of_a_foreign_kind_is_131053(graph):
    form = {"messaging_product": "whatsapp", "type": "image/svg+xml"}
    answer = graph("POST", f"{NUMBER}/media", data=form, files={"file": ("a.svg", b"<svg/>", "image/svg+xml")})
    assert _code(answer) == (400, 131053)


def test_a_picture_of_a_person_names_a_file_that_the_business_can_fetch(graph, meta, receiver):
    meta.send(NUMBER, PERSON, sample="tin", caption="My last tin")
    assert meta.settle()
    image = receiver.values()[-1]["messages"][0]["image"]
    facts = graph("GET", image["id"]).json()
    assert base64.b64decode(image["sha256"]).hex() == facts["sha256"] and image["caption"] == "My last tin"


def test_read_marks_that_message_and_all_before_it_and_shows_typing(graph, meta):
    first = meta.send(NUMBER, PERSON, text="One")["wamid"]
    second = meta.send(NUMBER, PERSON, text="Two")["wamid"]
    payload = {"messaging_product": "whatsapp", "status": "read", "message_id": second}
    typing = {"typing_indicator": {"type": "text"}}
    assert graph("POST", f"{NUMBER}/messages", json=payload | typing).json() == {"success": True}
    person = meta.create_person(name="Lena Fields", wa_id=PERSON)["id"]
    url = f"{meta.base_url}/sandbox/api/screen"
    chat = requests.get(url, params={"number": NUMBER, "person": person}, timeout=10).json()["chat"]
    assert {each["id"]: each["status"] for each in chat["messages"]} == {first: "read", second: "read"}
    assert 20 < chat["typing_for"] <= 25


def test_a_number_that_left_can_not_send_until_it_registers_with_its_pin(graph, meta, text):
    pin = {"messaging_product": "whatsapp", "pin": "284913"}
    assert graph("POST", f"{NUMBER}/register", json=pin).json() == {"success": True}
    assert graph("POST", f"{NUMBER}/deregister").json() == {"success": True}
    assert _code(text()) == (400, 133010)
    assert _code(graph("POST", f"{NUMBER}/register", json=pin | {"pin": "000000"})) == (400, 133005)
