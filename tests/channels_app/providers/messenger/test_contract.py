"""Messenger keeps the provider contract."""

import io
import json

from channels_app.contract import (
    ChannelStopped,
    Choice,
    CredentialsRefused,
    OutboundChoices,
    OutboundMedia,
    OutboundMessage,
    OutboundTemplate,
    Permanent,
    PolicyRefused,
    Retryable,
)
from tests.channels_app.providers.contract import ProviderContract
from tests.channels_app.providers.meta import APP_SECRET, INSTAGRAM_SECRET, LENA_PSID, PAGE, error, payload

MB = 1024 * 1024


def file(kind: str, mime: str, size: int, text: str = "") -> OutboundMessage:
    return OutboundMessage({}, "", text=text, media=OutboundMedia(kind, mime, "a", size, io.BytesIO()))


def choices(*titles: str, **more) -> OutboundMessage:
    buttons = tuple(Choice(title, title) for title in titles)
    return OutboundMessage({}, "", text="Which?", choices=OutboundChoices(buttons, **more))


# What both of Meta's page platforms refuse alike.
REFUSED = [
    (file("image", "image/heic", 10), "HEIC"),
    (file("image", "image/jpeg", 8 * MB + 1), "8 MB"),
    (file("video", "video/mp4", 25 * MB + 1), "25 MB"),
    (file("sticker", "image/webp", 10), "kind of file"),
    (file("image", "image/jpeg", 10, "caption"), "on its own"),
    (choices(*map(str, range(14))), "13 buttons"),
    (choices("x" * 21), "20 characters"),
    (choices(), "13 buttons"),
    (choices("a", header="h"), "lists"),
    (OutboundMessage({}, "", template=OutboundTemplate("a", "en", "utility")), "templates"),
    (OutboundMessage({}, "", reaction="🍵", reply_to="m_1"), "reactions"),
    (OutboundMessage({}, "", reaction="❤️"), "reaction"),
    *[
        (OutboundMessage({}, "", text="Hi", tag=tag), "HUMAN_AGENT")
        for tag in ("ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE")
    ],
]
ERRORS = [
    *[(401, error(190, sub), CredentialsRefused) for sub in (0, 458, 459, 460, 463, 464, 467, 999)],
    (403, error(10), CredentialsRefused),
    (403, error(230), CredentialsRefused),
    (400, error(10, 2018278), PolicyRefused),
    (400, error(10, 2534022), PolicyRefused),
    (400, error(551), PolicyRefused),
    (400, error(200, 1545041), PolicyRefused),
    (400, error(100, 2018001), PolicyRefused),
    (400, error(100, 2534014), PolicyRefused),
    (400, error(2018300), PolicyRefused),
    (400, error(100, 2534037), PolicyRefused),
    (400, error(200, 2534041), ChannelStopped),
    (400, error(368), ChannelStopped),
    (400, error(10, 1893063), Retryable),
    (400, error(100, 2018008), Retryable),
    *[(400, error(code), Retryable) for code in (1, 2, 4, 17, 32, 341, 613)],
    *[(400, error(*pair), Retryable) for pair in ((4, 2018354), (613, 2018338), (613, 2534040), (9, 2018352))],
    *[(400, error(100, sub), Permanent) for sub in (0, 33, 2018047, 2018074, 2018109, 2018294, 2534013, 7)],
    *[(400, error(10, sub), Permanent) for sub in (2018065, 2018108, 2018336, 1404170, 1893015, 2534077, 7)],
    *[(400, error(code), Permanent) for code in (9000001, 2018321, 2022, 36103, 199999, -1)],
]


def texts(name: str, channel: str, person: str, *said: str) -> bytes:
    """A body with these texts of one person."""
    elements = [
        {
            "sender": {"id": person}, "recipient": {"id": channel}, "timestamp": 1795000000100 + number,
            "message": {"mid": f"m_{number}", "text": text},
        }
        for number, text in enumerate(said)
    ]  # fmt: skip
    return json.dumps({"object": name, "entry": [{"id": channel, "time": 1, "messaging": elements}]}).encode()


class TestMessenger(ProviderContract):
    slug = "messenger"
    secrets = (APP_SECRET,)
    strangers = (INSTAGRAM_SECRET,)
    secret_settings = ("META_APP_SECRET",)
    previous_setting = "META_APP_SECRET_PREVIOUS"
    channel = PAGE
    handles = {"psid": LENA_PSID}
    vector = (
        payload("messenger", "007_escaped_unicode"),
        "sha256=20a43fb5cd04f83dc78161278aecfe27bc59b24542758bc9f54384bebe87f2d9",
        "Grüße 👋",
    )
    sent = {"recipient_id": LENA_PSID, "message_id": "m_Nr4czZHv"}
    refused = [(OutboundMessage({}, "", text="x" * 2001), "2,000"), *REFUSED]
    errors = ERRORS
    file_needs_token = False

    def texts(self, *said):
        return texts("page", PAGE, LENA_PSID, *said)

    def elements(self, body):
        return body["entry"][0]["messaging"]
