"""Instagram keeps the provider contract, by Instagram Login and by a Page."""

import io

from channels_app.contract import OutboundMedia, OutboundMessage
from tests.channels_app.providers.contract import SECRETS, TOKEN, ProviderContract
from tests.channels_app.providers.messenger.test_contract import ERRORS, REFUSED, file, texts
from tests.channels_app.providers.meta import INSTAGRAM, LENA_IGSID, PAGE, payload


class TestInstagram(ProviderContract):
    slug = "instagram"
    secrets = SECRETS
    strangers = ()
    secret_settings = ("META_APP_SECRET", "INSTAGRAM_APP_SECRET")
    previous_setting = "INSTAGRAM_APP_SECRET_PREVIOUS"
    channel = INSTAGRAM
    handles = {"igsid": LENA_IGSID}
    vector = (
        payload("instagram", "147_text"),
        "sha256=1422669693c06b539dfb502a3eb18e0186c3afdf781f2e216374b38194a4f5f7",
        "Do you ship to Porto?",
    )
    sent = {"recipient_id": LENA_IGSID, "message_id": "aWdfZAG1f"}
    refused = [
        (OutboundMessage({}, "", text="🍵" * 250 + "x"), "1,001"),
        (file("video", "video/3gpp", 10), "kind of file"),
        (file("document", "application/zip", 10), "PDF"),
        *REFUSED,
    ]
    errors = ERRORS
    file_needs_token = False

    def texts(self, *said):
        return texts("instagram", INSTAGRAM, LENA_IGSID, *said)

    def elements(self, body):
        return body["entry"][0]["messaging"]


class TestInstagramByPage(TestInstagram):
    """The same, where the Page sends."""

    previous_setting = "META_APP_SECRET_PREVIOUS"

    def send(self, **more):
        return self.provider.send(INSTAGRAM, {"token": TOKEN, "page_id": PAGE}, self.message(**more))

    def test_a_pdf_goes_out_as_a_file(self, graph):
        graph.answers = [(200, {"attachment_id": "1"}), (200, self.sent)]
        self.send(text="", media=OutboundMedia("document", "application/pdf", "a.pdf", 4, io.BytesIO(b"%PDF")))
        assert graph.calls[1].path.endswith(f"/{PAGE}/messages")
        assert graph.calls[1].json["message"]["attachment"]["type"] == "file"
