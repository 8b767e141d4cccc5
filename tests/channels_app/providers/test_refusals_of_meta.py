"""What WhatsApp takes and Messenger and Instagram do not: refused in words, before any call."""

import pytest

from channels_app.contract import OutboundMessage, OutboundTemplate, Permanent
from channels_app.providers.instagram.provider import Instagram
from channels_app.providers.messenger.provider import Messenger
from tests.channels_app.providers.meta import INSTAGRAM, LENA_IGSID, LENA_PSID, PAGE

PLACES = {
    "Messenger": (Messenger(), PAGE, {"psid": LENA_PSID}),
    "Instagram": (Instagram(), INSTAGRAM, {"igsid": LENA_IGSID}),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"template": OutboundTemplate("order_ready", "en", "utility", [])}, "templates"),
        ({"location": {"latitude": 1, "longitude": 1}}, "places"),
        ({"cards": [{"name": "Lena Feld"}]}, "contact cards"),
        ({"reaction": "👍"}, "belongs to a message"),
    ],
)
@pytest.mark.parametrize("text", ["", "with words beside it"])
def test_what_the_platform_does_not_take_is_refused_in_words_and_not_sent(graph, name, more, word, text):
    platform, channel, handles = PLACES[name]
    message = OutboundMessage(handles, "om1.7f3a91", text=text, **more)
    assert word in platform.refuse(message)
    with pytest.raises(Permanent, match=word):
        platform.send(channel, {"token": "EAA"}, message)
    assert graph.calls == []
