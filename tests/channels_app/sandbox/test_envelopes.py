"""Bodies and signatures equal the published vectors."""

import base64
import json

from channels_app.sandbox import envelopes

SECRET = "omnistra-meta-test-secret"
LENA = envelopes.Person("491701112233", "DE.7011223344556677", "Lena Fields")
SHOP = envelopes.Number("210000000000501", "310000000000101", "+49 30 12345678")


def test_a_text_message_is_the_vector_byte_for_byte_and_so_is_its_signature():
    element = envelopes.text(LENA, "wamid.TEST0001", 1795000000, "Hello, is this in stock?")
    body = envelopes.body([(SHOP.waba_id, envelopes.messages_value(SHOP, [LENA], [element]))])
    assert len(body) == 515
    wanted = "sha256=3940fd2b36312fe5a9e9729aebc78b0b7f15a8a6fc67109aef1f2138b7668cb7"
    assert envelopes.sign(body, SECRET) == wanted


def test_other_letters_are_escaped_in_lower_case_before_signing():
    body = (
        b'{"object":"page","entry":[{"id":"110000000000901","time":1795000000123,"messaging":[{"sender":'
        b'{"id":"6100000000000123"},"recipient":{"id":"110000000000901"},"timestamp":1795000000100,"message":'
        b'{"mid":"m_TEST0002","text":"Gr\\u00fc\\u00dfe \\ud83d\\udc4b"}}]}]}'
    )
    assert envelopes.dump(json.loads(body)) == body
    wanted = "sha256=20a43fb5cd04f83dc78161278aecfe27bc59b24542758bc9f54384bebe87f2d9"
    assert envelopes.sign(body, SECRET) == wanted


def test_a_message_id_hides_the_number_in_base64_as_metas_do():
    assert (
        envelopes.new_wamid("491701112233", outgoing=True, unique="FE8DF1A5A1980493CA94")
        == "wamid.HBgMNDkxNzAxMTEyMjMzFQIAERgURkU4REYxQTVBMTk4MDQ5M0NBOTQA"
    )
    assert b"491701112233" in base64.b64decode(envelopes.new_wamid("491701112233").removeprefix("wamid."))


def test_someone_who_shows_a_username_only_has_no_number_anywhere():
    hidden = envelopes.Person(user_id="DE.7011223344556677", name="Lena", username="lena.fields")
    element = envelopes.text(hidden, "wamid.X", 1795000010, "Hi again")
    assert "from" not in element and element["from_user_id"] == "DE.7011223344556677"
    assert "wa_id" not in envelopes.contact(hidden)
