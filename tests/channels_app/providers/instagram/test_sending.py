"""What goes out to Instagram, by both flavours, and what is asked of it."""

import io

import pytest

from channels_app.contract import (
    ChannelStopped,
    OutboundMedia,
    OutboundMessage,
    Permanent,
    Person,
    PolicyRefused,
)
from channels_app.providers.instagram.provider import FIELDS, Instagram
from channels_app.providers.meta.messaging import PAGE_FIELDS
from tests.channels_app.providers.meta import INSTAGRAM, LENA_IGSID, PAGE, error

LOGIN, BY_PAGE = {"token": "IGAA-long"}, {"token": "EAA-page", "page_id": PAGE}
LENA = {"igsid": LENA_IGSID}
SENT = (200, {"recipient_id": LENA_IGSID, "message_id": "igmid-out"})


@pytest.fixture
def hosts(graph, settings):
    """The two flavours' hosts told apart by their path."""
    settings.INSTAGRAM_GRAPH_URL, settings.META_GRAPH_URL = f"{graph.url}/ig", f"{graph.url}/fb"
    return graph


def send(credentials=LOGIN, **more) -> str:
    return Instagram().send(INSTAGRAM, credentials, OutboundMessage(LENA, "om1.7f3a91", **({"text": "Yes."} | more)))


def test_each_flavour_sends_by_its_own_host_and_object(hosts):
    hosts.answers = [SENT]
    assert send() == send(BY_PAGE) == "igmid-out"
    login, page = hosts.calls
    assert login.path.startswith("/ig/") and login.path.endswith(f"/{INSTAGRAM}/messages")
    assert page.path.startswith("/fb/") and page.path.endswith(f"/{PAGE}/messages")
    assert login.json["message"] == {"text": "Yes."}


def test_an_upload_says_that_it_is_for_instagram(graph):
    graph.answers = [(200, {"attachment_id": 1300000000000001}), SENT]
    send(text="", media=OutboundMedia("image", "image/jpeg", "a.jpg", 4, io.BytesIO(b"jpeg")))
    upload, sent = graph.calls
    assert b'name="platform"\r\n\r\ninstagram' in upload.body
    assert sent.json["message"]["attachment"]["payload"] == {"attachment_id": "1300000000000001"}


def test_an_answer_to_a_comment_is_a_private_reply(graph):
    graph.answers = [SENT]
    send(reply_to="comment:18050000000000001")
    assert graph.calls[0].json["recipient"] == {"comment_id": "18050000000000001"}
    assert "reply_to" not in graph.calls[0].json


def test_a_love_is_the_one_reaction(graph):
    graph.answers = [(200, {})]
    send(text="", reaction="❤️", reply_to="igmid-1")
    assert graph.calls[0].json["payload"] == {"message_id": "igmid-1", "reaction": "love"}
    assert "❤️" in Instagram().refuse(OutboundMessage(LENA, "", reaction="👍", reply_to="igmid-1"))


def test_meta_164_the_limit_is_in_bytes():
    assert Instagram().refuse(OutboundMessage(LENA, "", text="🍵" * 250)) == ""
    assert "1,001" in Instagram().refuse(OutboundMessage(LENA, "", text="🍵" * 250 + "x"))
    assert Instagram().refuse(OutboundMessage(LENA, "", text="x" * 1000)) == ""


def test_meta_165_a_closed_window_names_its_reason(graph):
    graph.answers = [(400, error(10, 2534022))]
    with pytest.raises(PolicyRefused) as refused:
        send()
    assert refused.value.reason == "window_closed"


def test_meta_166_access_that_is_switched_off_stops_the_channel(graph):
    graph.answers = [(400, error(200, 2534041))]
    with pytest.raises(ChannelStopped) as stopped:
        send()
    assert stopped.value.reason == "message_access_off" and "Instagram app" in stopped.value.title


def test_meta_148_the_id_as_a_number_keeps_its_digits(hosts, settings):
    hosts.answers = [(200, b'{"id":"9","user_id":17841400000000901,"username":"northwind","name":"Northwind Tea"}')]
    facts = Instagram().check(INSTAGRAM, INSTAGRAM, LOGIN)
    assert (facts.name, facts.address, facts.kept) == ("Northwind Tea", "@northwind", {})
    assert facts.messages_per_second == settings.INSTAGRAM_SEND_RATE == 100
    assert hosts.calls[0].path.startswith("/ig/") and hosts.calls[0].path.endswith("/me")
    with pytest.raises(Permanent):
        Instagram().check("17841400000000900", "", LOGIN)


def test_an_account_behind_a_page_is_checked_and_the_page_kept(hosts):
    account = {"id": INSTAGRAM, "username": "northwind", "name": "Northwind Tea"}
    hosts.answers = [(200, {"id": PAGE, "instagram_business_account": account})]
    facts = Instagram().check(INSTAGRAM, PAGE, {"token": "EAA-page"})
    assert facts.kept == {"page_id": PAGE} and hosts.calls[0].path.startswith("/fb/")
    for answer in ({"id": PAGE}, {"instagram_business_account": {**account, "id": "17841400000000999"}}):
        hosts.answers = [(200, answer)]
        with pytest.raises(Permanent):
            Instagram().check(INSTAGRAM, PAGE, {"token": "EAA-page"})


def test_each_flavour_subscribes_by_its_own_field_names(hosts, settings):
    hosts.answers = [(200, {"success": True})]
    Instagram().subscribe(INSTAGRAM, LOGIN)
    Instagram().subscribe(PAGE, BY_PAGE)
    settings.INSTAGRAM_COMMENTS = True
    Instagram().subscribe(INSTAGRAM, LOGIN)
    Instagram().unsubscribe(PAGE, BY_PAGE)
    login, page, comments, off = hosts.calls
    assert login.query["subscribed_fields"] == [",".join(FIELDS)] and login.path.startswith("/ig/")
    assert page.query["subscribed_fields"] == [",".join(PAGE_FIELDS)] and page.path.startswith("/fb/")
    assert comments.query["subscribed_fields"][0].endswith("comments,live_comments")
    assert (off.method, off.path) == ("DELETE", page.path)


def test_a_profile_is_name_and_user_name_alone(graph):
    graph.answers = [(200, {"name": "Lena Fields", "username": "lena.fields", "follower_count": 7})]
    found = Instagram().profile(INSTAGRAM, LOGIN, LENA)
    assert found == Person({"igsid": LENA_IGSID, "username": "lena.fields"}, "Lena Fields")
    assert graph.calls[0].query["fields"] == ["name,username"]
