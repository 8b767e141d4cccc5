"""What Instagram tells, event by event. Numbers in names are those of the Meta conformance cases."""

from datetime import UTC, datetime

import pytest

from channels_app.contract import Arrival, Echo, Edit, InboundMessage, Person, Reaction, Unsent, Watermark
from channels_app.providers.instagram.payloads import parse
from tests.channels_app.providers import meta
from tests.channels_app.providers.meta import INSTAGRAM, INSTAGRAM_2, LENA_IGSID

AT = datetime.fromtimestamp(1795000001, UTC)
LENA = Person({"igsid": LENA_IGSID})
PLACE = (INSTAGRAM, "")
URL = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=9300000000000001&signature=testsig01"


def read(name: str):
    """The only update of a payload."""
    return meta.parsed(parse, "instagram", name)


def test_meta_147_a_text_is_routed_by_the_instagram_id_in_both_flavours():
    first, second = read("147_text"), read("147_text_flavour_b")
    assert (first.channel, first.account, first.person) == (INSTAGRAM, "", LENA)
    assert (second.channel, second.account, second.content) == (INSTAGRAM_2, "", {"text": "Do you ship to Porto?"})


def test_meta_147_an_envelope_in_an_array_is_set_aside():
    found = parse(meta.payload("instagram", "147_envelope_in_array"))
    assert not found.updates and [each.reason for each in found.problems] == ["not_an_object"]


def test_meta_149_a_story_mention_is_a_link_and_never_a_file():
    found = read("149_story_mention")
    assert (found.type, found.files) == ("story", ()) and found.opens_window
    assert found.content == {"story": {"url": URL, "kind": "mention"}}


def test_meta_150_replies_to_a_story_and_to_a_message():
    story, message = read("150_story_reply"), read("150_message_reply")
    assert (story.type, story.files, story.reply_to) == ("text", (), "")
    assert story.content == {"text": "Love this one!", "story": {"url": URL, "kind": "reply"}}
    assert (message.content, message.reply_to) == ({"text": "This?"}, "igmid-0")


@pytest.mark.parametrize(
    ("name", "url", "title", "kind"),
    [
        ("151_ig_post", "https://www.instagram.com/p/x1/", "Autumn", "post"),
        ("151_ig_reel_relative", "", "Steeping", "reel"),
        ("151_share_old", URL, "", "post"),
        ("151_media_without_url", "", "", "post"),
        ("151_story_shared", URL, "", "story"),
    ],
)
def test_meta_151_what_is_shared_is_a_card_and_a_relative_address_leads_nowhere(name, url, title, kind):
    found = read(name)
    assert (found.type, found.files) == ("link", ())
    assert found.content == {"link": {"url": url, "title": title, "kind": kind}}


def test_meta_151_a_picture_without_an_address_is_shown_neutrally():
    found = read("151_image_without_url")
    assert (found.type, found.content, found.files) == ("unsupported", {"kind": "image"}, ())


def test_meta_152_hearts_view_once_pictures_and_what_is_not_handed_to_us():
    assert (read("152_like_heart").type, read("152_like_heart").content) == ("text", {"text": "❤️"})
    for name, kind in (
        ("152_ephemeral", "ephemeral"), ("152_is_unsupported", "unsupported"), ("152_hologram", "hologram"),
    ):  # fmt: skip
        found = read(name)
        assert (found.type, found.content, found.files) == ("unsupported", {"kind": kind}, ())
        assert isinstance(found, InboundMessage) and found.opens_window


def test_meta_154_and_155_an_unsend_names_the_message_and_its_own_channel():
    assert read("154_is_deleted") == Unsent(*PLACE, "igmid-1", AT)
    assert read("155_is_deleted_of_another_account") == Unsent(*PLACE, "igmid-of-w2", AT)


def test_meta_159_an_echo_is_ours_and_what_an_account_writes_to_itself_is_nothing():
    assert read("159_echo") == Echo(*PLACE, "igmid-out", LENA, "text", AT, {"text": "Yes, we do."}, ())
    found = parse(meta.payload("instagram", "159_echo_to_itself"))
    assert not found.updates and not found.problems


def test_meta_160_a_reaction_and_its_end_without_an_emoji():
    assert read("160_reaction") == Reaction(*PLACE, "igmid-out", LENA, "❤️", AT)
    assert read("160_unreact") == Reaction(*PLACE, "igmid-out", LENA, "", AT)


def test_meta_161_read_names_a_message():
    assert read("161_read") == Watermark(*PLACE, LENA, "read", AT, None, "igmid-out")


def test_meta_162_an_edit_has_its_number_as_text():
    assert read("162_edit") == Edit(*PLACE, "igmid-1", LENA, "Do you ship to Lisbon?", AT, 1)


def test_meta_163_a_comment_of_either_shape_is_the_same_one_and_opens_no_window(settings):
    settings.INSTAGRAM_COMMENTS = True
    nested, flat = read("163_comment_in_changes"), read("163_comment_flat")
    assert nested.external_id == flat.external_id == "comment:18050000000000001"
    for found in (nested, flat):
        assert found.person.handles == {"igsid": LENA_IGSID, "username": "lena.fields"}
        assert found.content["text"] == "Price?" and found.content["referral"]["kind"] == "comment"
        assert not found.opens_window
    own = parse(meta.payload("instagram", "163_own_comment"))
    assert not own.updates and not own.problems


@pytest.mark.parametrize("name", ["163_comment_in_changes", "163_comment_flat", "163_own_comment"])
def test_meta_163_without_the_feature_no_comment_is_read(name):
    found = parse(meta.payload("instagram", name))
    assert not found.updates and not found.problems


def test_taps_arrivals_and_files():
    assert read("quick_reply").content["choice"] == {"id": "COLOUR-GREEN", "title": "Green", "kind": "quick_reply"}
    assert read("postback").content["choice"] == {"id": "ICE-HOURS", "title": "Opening hours", "kind": "postback"}
    assert read("referral") == Arrival(*PLACE, LENA, AT, {"kind": "link", "ref": "flyer-7"})
    assert [each.url for each in read("image").files] == [URL]
