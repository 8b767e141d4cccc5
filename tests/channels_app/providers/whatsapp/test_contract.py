"""WhatsApp keeps the provider contract."""

import io
import json

import pytest

from channels_app.contract import (
    CredentialsRefused,
    Media,
    OutboundMedia,
    OutboundMessage,
    Permanent,
    Retryable,
)
from tests.channels_app.providers.contract import ProviderContract
from tests.channels_app.providers.meta import APP_SECRET, INSTAGRAM_SECRET, LENA_WA, NUMBER_A, WABA, error
from tests.channels_app.test_webhooks import SIGNATURE, VECTOR


def _file(kind: str, mime: str, size: int) -> OutboundMessage:
    return OutboundMessage({}, "", media=OutboundMedia(kind, mime, "a", size, io.BytesIO()))


class TestWhatsApp(ProviderContract):
    slug = "whatsapp"
    secrets = (APP_SECRET,)
    strangers = (INSTAGRAM_SECRET,)
    secret_settings = ("META_APP_SECRET",)
    previous_setting = "META_APP_SECRET_PREVIOUS"
    channel = NUMBER_A
    handles = {"wa_id": LENA_WA}
    vector = (VECTOR, SIGNATURE, "Hello, is this in stock?")
    sent = {"messages": [{"id": "wamid.HBgM"}]}
    refused = [
        (OutboundMessage({}, "", text="x" * 4097), "4,096"),
        (_file("image", "image/heic", 10), "kind of file"),
        (_file("image", "image/jpeg", 5 * 1024 * 1024 + 1), "5 MB"),
    ]
    errors = [
        (401, error(190), CredentialsRefused),
        (400, error(131047), Permanent),
        (400, error(131051), Permanent),
        (500, error(131000), Retryable),
        (429, error(130429), Retryable),
    ]
    file_needs_token = True

    def texts(self, *texts):
        return json.dumps(self._body([self._text(number, text) for number, text in enumerate(texts)])).encode()

    def _text(self, number, text):
        return {
            "from": LENA_WA, "id": f"wamid.{number}", "timestamp": "1795000000", "type": "text", "text": {"body": text},
        }  # fmt: skip

    def _body(self, messages):
        value = {"metadata": {"phone_number_id": NUMBER_A}, "contacts": [{"wa_id": LENA_WA}], "messages": messages}
        change = {"field": "messages", "value": value}
        return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [change]}]}

    def elements(self, body):
        return body["entry"][0]["changes"][0]["value"]["messages"]

    def wanted_file(self, url):
        facts = {"url": url, "mime_type": "image/jpeg", "file_size": 7}
        return Media("900", "image"), [(200, facts)]

    @pytest.mark.parametrize("answer", [{"messages": None}, {"messages": [{"id": ""}]}])
    def test_an_answer_that_is_empty_inside(self, graph, answer):
        self.test_an_answer_without_an_id_leaves_the_outcome_unknown(graph, answer)
