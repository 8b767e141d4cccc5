"""The product's providers of Messenger and Instagram and the stand-in understand each other, over real HTTP."""

import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from channels_app.contract import (
    Choice,
    Echo,
    Edit,
    InboundMessage,
    OutboundChoices,
    OutboundMedia,
    OutboundMessage,
    PolicyRefused,
    Reaction,
    Unsent,
    Watermark,
)  # fmt: skip
from channels_app.registry import provider
from tests.channels_app.sandbox.conftest import ACCOUNT, ACCOUNT_TOKEN, IGSID, PAGE, PAGE_TOKEN, PERSON, PSID

CASES = {
    "messenger": (PAGE, PAGE_TOKEN, {"psid": PSID}),
    "instagram": (ACCOUNT, ACCOUNT_TOKEN, {"igsid": IGSID}),
}


@pytest.fixture(params=list(CASES))
def app(request, pages, settings):
    """Provider, channel, credentials, the person's handles."""
    settings.META_GRAPH_URL = settings.INSTAGRAM_GRAPH_URL = pages.graph_url
    settings.META_FILE_HOSTS = [urlsplit(pages.base_url).netloc]
    channel, token, handles = CASES[request.param]
    return provider(request.param), channel, {"token": token}, handles


def _updates(app, receiver):
    platform, channel = app[0], app[1]
    held = [(headers, body) for headers, body in receiver.posts if channel.encode() in body]
    assert held and all(platform.signature_holds(body, headers) for headers, body in held)
    parsed = [platform.parse(body) for _, body in held]
    assert not [problem for each in parsed for problem in each.problems]
    return [update for each in parsed for update in each.updates]


def test_connecting_sending_and_profiles(app, pages):
    platform, channel, credentials, handles = app
    facts = platform.check(channel, channel, credentials)
    assert facts.name
    platform.unsubscribe(channel, credentials)
    assert pages.send(channel, PERSON, text="Hello?")["webhooks"] == []
    platform.subscribe(channel, credentials)
    assert platform.profile(channel, credentials, handles).name == "Lena Fields"
    choices = OutboundChoices(buttons=(Choice("BLUE", "Blue"),))
    sent = platform.send(channel, credentials, OutboundMessage(handles, "om1.1", "Which colour?", choices=choices))
    photo = OutboundMedia("image", "image/jpeg", "a.jpg", 3, io.BytesIO(b"\xff\xd8\xff"))
    platform.send(channel, credentials, OutboundMessage(handles, "om1.2", media=photo, reply_to=sent))
    platform.mark_read(channel, credentials, handles, "", is_typing=True)
    question = pages.send(channel, PERSON, text="Hello?")["wamid"]
    platform.send(channel, credentials, OutboundMessage(handles, "om1.3", reply_to=question, reaction="❤️"))
    assert [(each["type"], each["wamid"] == sent) for each in pages.sent()] == [("text", True), ("image", False)]
    pages.configure(clock=25 * 3600.0)
    with pytest.raises(PolicyRefused):
        platform.send(channel, credentials, OutboundMessage(handles, "om1.4", "Too late"))
    tagged = OutboundMessage(handles, "om1.5", "Sorry for the delay", tag="HUMAN_AGENT")
    assert platform.send(channel, credentials, tagged)


def test_what_people_do_is_understood(app, pages, receiver):
    platform, channel, credentials, handles = app
    first = pages.send(channel, PERSON, text="Is it green?")["wamid"]
    pages.edit(channel, PERSON, first, "Is it blue?")
    pages.send(channel, PERSON, sample="tin", reply_to=first)
    pages.react(channel, PERSON, first, "❤️")
    pages.postback(channel, PERSON, "Get started", "GET_STARTED")
    pages.write_elsewhere(channel, PERSON, "From the inbox")
    pages.look(channel, PERSON)
    platform.send(channel, credentials, OutboundMessage(handles, "om1.1", "Yes"))
    pages.unsend(channel, PERSON, pages.send(channel, PERSON, text="Never mind")["wamid"])
    assert pages.settle()
    updates = _updates(app, receiver)
    kinds = [type(each) for each in updates]
    for wanted in (InboundMessage, Edit, Reaction, Echo, Watermark):
        assert wanted in kinds, wanted
    assert (Unsent in kinds) == (platform.slug == "instagram")
    photo = next(each for each in updates if isinstance(each, InboundMessage) and each.files)
    assert photo.reply_to == first and photo.person.handles == handles
    target = io.BytesIO()
    answer = platform.fetch_media(channel, credentials, photo.files[0], target)
    assert answer.mime == "image/jpeg" and answer.size == len(target.getvalue()) > 1000
    echoes = [each for each in updates if isinstance(each, Echo)]
    assert echoes[0].sent_from == ("inbox" if platform.slug == "messenger" else "app")
    since = datetime.now(UTC) - timedelta(hours=1)
    assert len(platform.history_since(channel, credentials, since).updates) >= 4
