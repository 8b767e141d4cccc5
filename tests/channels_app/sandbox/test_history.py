"""A story that was there before anyone looked stands on the phones, and its webhooks are the real ones."""

import json

from channels_app.sandbox import history
from tests.channels_app.sandbox.conftest import ACCOUNT, IGSID, NUMBER, PAGE, PERSON, PSID


def test_lines_of_every_app_come_back_as_bodies_and_nothing_is_posted(pages, receiver):
    for channel, person in ((PAGE, PSID), (ACCOUNT, IGSID)):
        mid, body = history.say(channel, PERSON, "sample", {"sample": "tin"}, at=1795000000.0)
        element = json.loads(body)["entry"][0]["messaging"][0]
        assert element["sender"]["id"] == history.scoped_id(channel, PERSON) == person
        assert element["message"]["mid"] == mid and element["message"]["attachments"][0]["payload"]["url"]
        mark = json.loads(history.react(channel, PERSON, mid, "❤️", at=1795000001.0))
        assert mark["entry"][0]["messaging"][0]["reaction"]["mid"] == mid
        history.answer(channel, PERSON, "Sorry!", at=1795000002.0, status="read")
    wamid, body = history.say(NUMBER, PERSON, "text", {"body": "Hello"}, at=1795000000.0)
    assert json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]["id"] == wamid
    assert [each["number"] for each in pages.sent()] == [PAGE, ACCOUNT]
    assert pages.settle() and receiver.posts == []
