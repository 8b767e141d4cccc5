"""Messenger and Instagram: what people do becomes their webhooks, and what the business sends is judged as Meta does."""

import json

import pytest
import requests

from channels_app.sandbox import envelopes, events
from tests.channels_app.sandbox.conftest import ACCOUNT, ACCOUNT_TOKEN, IGSID, PAGE, PAGE_TOKEN, PERSON, PSID

CHANNELS = {PAGE: (PAGE_TOKEN, PSID), ACCOUNT: (ACCOUNT_TOKEN, IGSID)}
both = pytest.mark.parametrize("channel", [PAGE, ACCOUNT], ids=["messenger", "instagram"])


@pytest.fixture
def post(graph, pages):
    """Sends to the person from a Page or an Instagram account."""

    def send(channel, message=None, **more):
        token, person = CHANNELS[channel]
        body = {"recipient": {"id": person}, "messaging_type": "RESPONSE", "message": message, **more}
        return graph("POST", f"{channel}/messages", token=token, json=body)

    return send


def _code(answer):
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


def test_a_text_of_each_has_the_published_shape():
    element = events.element(PAGE, PSID, 1795000000.1, "message", {"mid": "m_TEST0002", "text": "Grüße 👋"})
    body = events.body("messenger", PAGE, [element], 1795000000.123)
    assert envelopes.sign(body, "omnistra-meta-test-secret") == (
        "sha256=20a43fb5cd04f83dc78161278aecfe27bc59b24542758bc9f54384bebe87f2d9"
    )
    element = events.element(
        ACCOUNT, IGSID, 1795000000.1, "message", {"mid": "igmid-TEST0003", "text": "Do you ship to Porto?"}
    )
    body = events.body("instagram", ACCOUNT, [element], 1795000000.123)
    assert envelopes.sign(body, "omnistra-ig-test-secret") == (
        "sha256=1422669693c06b539dfb502a3eb18e0186c3afdf781f2e216374b38194a4f5f7"
    )


@pytest.mark.parametrize(
    ("channel", "secret"), [(PAGE, "omnistra-meta-test-secret"), (ACCOUNT, "omnistra-ig-test-secret")]
)
def test_each_app_signs_with_its_own_secret(pages, receiver, settings, channel, secret):
    settings.INSTAGRAM_APP_SECRET = "omnistra-ig-test-secret"
    pages.send(channel, PERSON, text="Hello")
    assert pages.settle()
    headers, body = receiver.posts[-1]
    assert headers["X-Hub-Signature-256"] == envelopes.sign(body, secret)


@both
def test_a_person_is_another_one_for_each_channel_and_shows_their_profile_to_it_alone(graph, pages, receiver, channel):
    token, scoped = CHANNELS[channel]
    pages.send(channel, PERSON, text="Hello")
    assert pages.settle() and receiver.elements()[-1]["sender"] == {"id": scoped}
    assert graph("GET", scoped, token=token, params={"fields": "name"}).json() == {"name": "Lena Fields", "id": scoped}
    other = PAGE_TOKEN if channel == ACCOUNT else ACCOUNT_TOKEN
    assert _code(graph("GET", scoped, token=other))[0] == 100


@both
def test_a_file_has_an_address_without_a_token_that_ends_after_a_day_and_when_it_is_taken_back(
    pages, receiver, channel
):
    mid = pages.send(channel, PERSON, sample="tin")["wamid"]
    assert pages.settle()
    attachment = receiver.elements()[-1]["message"]["attachments"][0]
    assert attachment["type"] == "image" and attachment["payload"]["url"].split("?")[0].endswith("/tin.jpg")
    url = attachment["payload"]["url"]
    assert requests.get(url, timeout=10).headers["Content-Type"] == "image/jpeg"
    assert requests.get(url.replace("oh=AT", "oh=AU"), timeout=10).status_code == 403
    pages.configure(clock=24 * 3600.0 + 60)
    assert requests.get(url, timeout=10).status_code == 403
    pages.configure(clock=0.0)
    pages.unsend(channel, PERSON, mid)
    assert requests.get(url, timeout=10).status_code == 403


def test_instagram_tells_that_a_message_was_taken_back_and_messenger_does_not(pages, receiver):
    for channel in (PAGE, ACCOUNT):
        pages.unsend(channel, PERSON, pages.send(channel, PERSON, text="Never mind")["wamid"])
    assert pages.settle()
    gone = [each for each in receiver.elements() if each.get("message", {}).get("is_deleted")]
    assert [each["recipient"]["id"] for each in gone] == [ACCOUNT] and set(gone[0]["message"]) == {"mid", "is_deleted"}


@both
def test_edits_count_up_to_five(pages, receiver, channel):
    mid = pages.send(channel, PERSON, text="Is it green?")["wamid"]
    for number in range(5):
        pages.edit(channel, PERSON, mid, f"Is it green, {number}?")
    with pytest.raises(RuntimeError, match="5 times"):
        pages.edit(channel, PERSON, mid, "Once more")
    assert pages.settle()
    numbers = [each["message_edit"]["num_edit"] for each in receiver.elements() if "message_edit" in each]
    assert numbers == ([1, 2, 3, 4, 5] if channel == PAGE else ["1", "2", "3", "4", "5"])


def test_messenger_tells_of_delivery_and_reading_by_watermark_and_instagram_of_reading_by_message(
    post, pages, receiver
):
    for channel in (PAGE, ACCOUNT):
        pages.send(channel, PERSON, text="Hello?")
        pages.look(channel, PERSON)
        assert post(channel, {"text": "Yes?", "metadata": "om1.7f3a91"}).json()["recipient_id"] == CHANNELS[channel][1]
    assert pages.settle()
    of_page = [each for each in receiver.elements() if PAGE in (each["sender"]["id"], each["recipient"]["id"])]
    assert [next(iter(set(each) - {"sender", "recipient", "timestamp"})) for each in of_page] == (
        ["message", "message", "delivery", "read"]
    )
    assert of_page[1]["message"]["is_echo"] and of_page[1]["message"]["metadata"] == "om1.7f3a91"
    assert of_page[2]["delivery"]["watermark"] == of_page[3]["read"]["watermark"] == of_page[1]["timestamp"]
    of_account = [each for each in receiver.elements() if each not in of_page]
    assert "metadata" not in of_account[1]["message"] and "app_id" not in of_account[1]["message"]
    assert of_account[2]["read"] == {"mid": of_account[1]["message"]["mid"]} and len(of_account) == 3


@pytest.mark.parametrize(("channel", "subcode"), [(PAGE, 2018278), (ACCOUNT, 2534022)])
def test_after_a_day_only_a_person_may_answer_and_after_seven_nobody(post, pages, channel, subcode):
    assert _code(post(channel, {"text": "Hello"})) == (10, subcode)
    pages.send(channel, PERSON, text="Hello?")
    tag = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    assert _code(post(channel, {"text": "News"}, **tag | {"tag": "ACCOUNT_UPDATE"}))[0] == 100
    pages.configure(clock=24 * 3600.0 + 60)
    assert _code(post(channel, {"text": "Hello"})) == (10, subcode)
    assert post(channel, {"text": "Sorry for the delay"}, **tag).status_code == 200
    pages.configure(clock=7 * 24 * 3600.0 + 60)
    assert _code(post(channel, {"text": "Hello"}, **tag)) == (10, subcode)
    assert [each["text"] for each in pages.sent()] == ["Sorry for the delay"]


def test_a_reaction_opens_the_window_of_messenger_and_not_of_instagram(post, pages, receiver):
    mids = []
    for channel in (PAGE, ACCOUNT):
        pages.send(channel, PERSON, text="Hello?")
        mid = post(channel, {"text": "Hello!"}).json()["message_id"]
        mids.append(mid)
        pages.configure(clock=25 * 3600.0)
        pages.react(channel, PERSON, mid, "❤️")
        assert post(channel, {"text": "Thanks"}).status_code == (200 if channel == PAGE else 403)
        pages.react(channel, PERSON, mid, "")
        pages.configure(clock=0.0)
    assert pages.settle()
    marks = [each["reaction"] for each in receiver.elements() if "reaction" in each]
    for mid in mids:  # in order for each of them; between two channels there is none
        given, taken = [each for each in marks if each["mid"] == mid]
        assert given["reaction"] == "love" and taken == {"mid": mid, "action": "unreact"}


@pytest.mark.parametrize(
    ("channel", "message", "wanted"),
    [
        (PAGE, {"text": "x" * 2001}, (100, None)),
        (ACCOUNT, {"text": "👋" * 250 + "x"}, (100, None)),
        (PAGE, {"text": ""}, (100, None)),
        (PAGE, None, (100, None)),
        (
            PAGE,
            {"text": "?", "quick_replies": [{"content_type": "text", "title": "x" * 21, "payload": "x"}]},
            (100, None),
        ),
        (PAGE, {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}}, (100, 2018074)),
        (PAGE, {"attachment": {"type": "image", "payload": {"url": "http://127.0.0.1:9/x.jpg"}}}, (100, 2018008)),
        (ACCOUNT, {"attachment": {"type": "hologram"}}, (100, None)),
    ],
)
def test_what_is_too_long_or_not_there_is_refused_and_nothing_is_recorded(post, pages, channel, message, wanted):
    pages.send(channel, PERSON, text="Hello?")
    assert _code(post(channel, message)) == wanted
    assert pages.sent() == []


def test_text_of_the_greatest_length_goes_out(post, pages):
    for channel, text in ((PAGE, "ü" * 2000), (ACCOUNT, "👋" * 250)):
        pages.send(channel, PERSON, text="Hello?")
        assert post(channel, {"text": text}).status_code == 200


@both
def test_a_file_is_uploaded_once_and_sent_by_its_id_or_by_its_address(graph, post, pages, receiver, channel):
    token, _ = CHANNELS[channel]
    pages.send(channel, PERSON, sample="tin")
    assert pages.settle()
    url = receiver.elements()[-1]["message"]["attachments"][0]["payload"]["url"]
    form = {"message": json.dumps({"attachment": {"type": "image", "payload": {"is_reusable": True}}})}

    def upload(mime, body=b"\xff\xd8\xff"):
        files = {"filedata": ("a.jpg", body, mime)}
        return graph("POST", f"{channel}/message_attachments", token=token, data=form, files=files)

    held = upload("image/jpeg").json()["attachment_id"]
    for payload in ({"attachment_id": held}, {"url": url}):
        assert post(channel, {"attachment": {"type": "image", "payload": payload}}).status_code == 200
    assert [each["type"] for each in pages.sent()] == ["image", "image"]
    assert _code(upload("image/heic")) == (100, 2018047)
    assert _code(upload("image/jpeg", b"x" * (8 * 1024 * 1024 + 1))) == (100, 2018109)


def test_a_file_may_come_with_the_send_itself(graph, pages):
    pages.send(PAGE, PERSON, text="Hello?")
    message = {"attachment": {"type": "image", "payload": {}}}
    form = {"recipient": json.dumps({"id": PSID}), "message": json.dumps(message)}
    files = {"filedata": ("a.jpg", b"\xff\xd8\xff", "image/jpeg")}
    assert graph("POST", f"{PAGE}/messages", token=PAGE_TOKEN, data=form, files=files).status_code == 200
    broken = form | {"recipient": "{"}
    assert _code(graph("POST", f"{PAGE}/messages", token=PAGE_TOKEN, data=broken)) == (100, None)
    assert [each["type"] for each in pages.sent()] == ["image"]


@both
def test_quick_replies_and_buttons_are_tapped(post, pages, receiver, channel):
    pages.send(channel, PERSON, text="Hello?")
    replies = [{"content_type": "text", "title": "Green", "payload": "COLOUR-GREEN"}]
    first = post(channel, {"text": "Which one?", "quick_replies": replies}).json()["message_id"]
    buttons = [{"type": "postback", "title": "Opening hours", "payload": "HOURS"}]
    template = {"template_type": "button", "text": "Anything else?", "buttons": buttons}
    second = post(channel, {"attachment": {"type": "template", "payload": template}}).json()["message_id"]
    assert pages.settle()
    pages.tap(channel, PERSON, first, "COLOUR-GREEN")
    pages.tap(channel, PERSON, second, "HOURS")
    with pytest.raises(RuntimeError):
        pages.tap(channel, PERSON, second, "NONSENSE")
    assert pages.settle()
    message, postback = [each for each in receiver.elements() if each["recipient"]["id"] == channel][-2:]
    assert message["message"]["quick_reply"] == {"payload": "COLOUR-GREEN"} and message["message"]["text"] == "Green"
    assert postback["postback"]["title"] == "Opening hours" and postback["postback"]["payload"] == "HOURS"


def test_stories_hearts_links_ads_and_what_inboxes_do_not_get(pages, receiver):
    pages.send(ACCOUNT, PERSON, sample="pot", kind="story_mention")
    pages.send(ACCOUNT, PERSON, sample="pot", kind="story_reply", caption="Love this one!")
    pages.send(ACCOUNT, PERSON, kind="like")
    pages.send(ACCOUNT, PERSON, unsupported=True)
    pages.send(PAGE, PERSON, kind="link", content={"url": "https://northwind.example", "title": "Northwind"})
    pages.send(
        PAGE, PERSON, kind="text", content={"body": "Hi, I saw your ad", "referral": {"ad_id": "1", "source": "ADS"}}
    )
    pages.refer(PAGE, PERSON, "flyer-7")
    with pytest.raises(RuntimeError):
        pages.send(PAGE, PERSON, kind="like")
    assert pages.settle()
    of_account = [each["message"] for each in receiver.elements() if each["recipient"]["id"] == ACCOUNT]
    mention, answer, heart, unknown = of_account
    assert mention["attachments"][0]["type"] == "story_mention" and mention["attachments"][0]["payload"]["url"]
    assert set(answer["reply_to"]["story"]) == {"id", "url"} and answer["text"] == "Love this one!"
    assert heart["attachments"] == [{"type": "like_heart"}] and unknown["is_unsupported"] is True
    link, ad, referral = [each for each in receiver.elements() if each["recipient"]["id"] == PAGE]
    assert link["message"]["attachments"][0]["payload"]["title"] == "Northwind"
    assert ad["message"]["referral"]["source"] == "ADS" and referral["referral"]["ref"] == "flyer-7"


@both
def test_what_the_business_writes_in_metas_inbox_comes_as_an_echo(pages, receiver, channel):
    pages.send(channel, PERSON, text="Hello?")
    mid = pages.write_elsewhere(channel, PERSON, "From the inbox")
    assert pages.settle()
    (echo,) = [each for each in receiver.elements() if each.get("message", {}).get("is_echo")]
    assert echo["sender"] == {"id": channel} and echo["message"]["mid"] == mid
    assert echo["message"].get("app_id") == (events.META_INBOX if channel == PAGE else None)


@both
def test_while_another_app_holds_the_thread_ours_stands_by_and_may_not_send(post, pages, receiver, channel):
    pages.send(channel, PERSON, text="A person please")
    pages.hand_over(channel, PERSON, "990011223344")
    pages.send(channel, PERSON, text="Hello?")
    assert _code(post(channel, {"text": "Hello"})) == (100, 2018300 if channel == PAGE else 2534037)
    pages.hand_over(channel, PERSON)
    assert post(channel, {"text": "Hello"}).status_code == 200 and pages.settle()
    kinds = [next(iter(json.loads(body)["entry"][0].keys() - {"id", "time"})) for _, body in receiver.posts]
    assert kinds[:4] == ["messaging", "messaging", "standby", "messaging"]


def test_a_page_tells_only_what_the_app_subscribed_to(graph, pages, receiver):
    fields = {"subscribed_fields": "messages,messaging_postbacks"}
    assert graph("POST", f"{PAGE}/subscribed_apps", token=PAGE_TOKEN, params=fields).json() == {"success": True}
    listed = graph("GET", f"{PAGE}/subscribed_apps", token=PAGE_TOKEN).json()["data"]
    assert listed[0]["subscribed_fields"] == ["messages", "messaging_postbacks"]
    mid = pages.send(PAGE, PERSON, text="Hello")["wamid"]
    assert pages.react(PAGE, PERSON, mid, "👍")["webhooks"] == []
    wrong = {"subscribed_fields": "nonsense"}
    assert _code(graph("POST", f"{PAGE}/subscribed_apps", token=PAGE_TOKEN, params=wrong))[0] == 100
    graph("DELETE", f"{PAGE}/subscribed_apps", token=PAGE_TOKEN)
    assert pages.send(PAGE, PERSON, text="Hello")["webhooks"] == []


def test_an_instagram_account_of_a_page_is_subscribed_and_answered_through_the_page(graph, pages, receiver, settings):
    settings.INSTAGRAM_APP_SECRET = "omnistra-ig-test-secret"
    linked = "17841400000000902"
    pages.create_instagram(ig_id=linked, username="northwind.porto", page_id=PAGE)
    shown = graph(
        "GET", PAGE, token=PAGE_TOKEN, params={"fields": "instagram_business_account{id,username,name}"}
    ).json()
    assert shown["instagram_business_account"]["id"] == linked
    pages.send(linked, PERSON, text="Hello?")
    assert pages.settle()
    headers, body = receiver.posts[-1]
    assert json.loads(body)["entry"][0]["id"] == linked and json.loads(body)["object"] == "instagram"
    assert headers["X-Hub-Signature-256"] == envelopes.sign(body, settings.META_APP_SECRET)
    person = json.loads(body)["entry"][0]["messaging"][0]["sender"]["id"]
    sent = {"recipient": {"id": person}, "message": {"text": "Yes"}}
    assert graph("POST", f"{PAGE}/messages", token=PAGE_TOKEN, json=sent).json()["recipient_id"] == person
    pages.allow_access(linked, False)
    assert _code(graph("POST", f"{PAGE}/messages", token=PAGE_TOKEN, json=sent)) == (200, 2534041)
    assert pages.send(linked, PERSON, text="Hello?")["webhooks"] == []


def test_a_token_opens_its_own_page_alone_and_says_whose_it_is(graph, pages):
    assert graph("GET", "me", token=PAGE_TOKEN).json() == {"id": PAGE, "name": "Northwind Tea"}
    me = graph("GET", "me", token=ACCOUNT_TOKEN, params={"fields": "id,user_id,username"}).json()
    assert me["user_id"] == int(ACCOUNT) and me["id"] != ACCOUNT
    pages.create_page(page_id="110000000000902", name="Elsewhere", token="EAAP-other")
    assert _code(graph("GET", PAGE, token="EAAP-other")) == (100, None)
    assert _code(graph("POST", f"{PAGE}/messages", token="nonsense", json={})) == (190, None)


def test_missed_messages_can_be_read_from_the_conversations(graph, post, pages):
    pages.send(PAGE, PERSON, text="Hello?")
    pages.send(PAGE, PERSON, sample="tin")
    post(PAGE, {"text": "Yes?"})
    assert pages.settle()
    thread = graph("GET", f"{PAGE}/conversations", token=PAGE_TOKEN, params={"platform": "messenger"}).json()["data"][0]
    answer, photo, question = thread["messages"]["data"]
    assert (answer["message"], answer["from"]["id"], question["from"]["id"]) == ("Yes?", PAGE, PSID)
    assert requests.get(photo["attachments"]["data"][0]["image_data"]["url"], timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("kind", "page", "account"),
    [
        ("rate_limit", (613, None), (613, None)),
        ("window_closed", (10, 2018278), (10, 2534022)),
        ("token_revoked", (190, 460), (190, 460)),
        ("other_app", (100, 2018300), (100, 2534037)),
        ("undeliverable", (551, 1545041), (551, 1545041)),
        ("locked", (368, None), (368, None)),
    ],
)
def test_the_weather_has_each_platforms_own_codes(post, pages, kind, page, account):
    for channel, wanted in ((PAGE, page), (ACCOUNT, account)):
        pages.send(channel, PERSON, text="Hello?")
        pages.fault(kind, scope=channel)
        assert _code(post(channel, {"text": "Hello"})) == wanted
        assert post(channel, {"text": "Hello"}).status_code == 200


def test_typing_and_seen_reach_the_phone_and_a_reaction_too(post, pages):
    mid = pages.send(PAGE, PERSON, text="Hello?")["wamid"]
    for more in ({"sender_action": "typing_on"}, {"sender_action": "mark_seen"}):
        assert post(PAGE, None, **more).json() == {"recipient_id": PSID}
    react = {"sender_action": "react", "payload": {"message_id": mid, "reaction": "love"}}
    assert post(PAGE, None, **react).status_code == 200
    person = pages.create_person(name="Lena Fields", wa_id=PERSON)["id"]
    url = f"{pages.base_url}/sandbox/api/screen"
    chat = requests.get(url, params={"number": PAGE, "person": person}, timeout=10).json()["chat"]
    assert chat["messages"][0]["status"] == "read" and chat["typing_for"] > 15
    assert chat["messages"][0]["reactions"] == [{"emoji": "❤️", "business": True}]
    gone = react | {"payload": {"message_id": "m_nowhere", "reaction": "love"}}
    assert _code(post(PAGE, None, **gone)) == (9000001, None)


def test_nobody_is_written_to_who_never_wrote(graph, pages):
    sent = {"recipient": {"id": "6100000000009999"}, "message": {"text": "Hello"}}
    assert _code(graph("POST", f"{PAGE}/messages", token=PAGE_TOKEN, json=sent)) == (100, 2018001)
    assert pages.sent() == []
