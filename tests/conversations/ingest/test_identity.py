"""Who is who: contacts by any handle, numbers that change hands, and two contacts that turn out to be one person."""

import io

import pytest
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction

from accounts.audit import Actor
from channels_app.contract import Media, Person
from conversations import masking, media, replies, threads
from conversations.models import Attachment, Contact, Conversation, Delivery, Handle, Message, Reaction
from omnistra.core.tenancy import workspace_scope
from privacy import erasure, retention
from privacy.models import RetentionPolicy
from tests.conversations.updates import (
    BSUID,
    NOW,
    NUMBER,
    OTHER_BSUID,
    OTHER_NUMBER,
    after,
    change,
    echo,
    edit,
    give,
    reaction,
    text,
)
from tests.conversations.webhooks import connect

BY_NUMBER, BY_ID = Person({"wa_id": NUMBER}, "Lena"), Person({"bsuid": BSUID, "username": "lena.fields"}, "Lena F.")
BOTH = Person({"wa_id": NUMBER, "bsuid": BSUID}, "Lena Fields")


def handles(workspace) -> set[tuple[str, str, bool]]:
    """Kind, value, whether it is in use."""
    with workspace_scope(workspace.pk):
        return {(row.kind, row.value, row.ended_at is None) for row in Handle.objects.all()}


def contacts(workspace) -> int:
    with workspace_scope(workspace.pk):
        return Contact.objects.filter(merged_into=None).count()


def words(workspace) -> list[list[str]]:
    """What is said, conversation by conversation."""
    with workspace_scope(workspace.pk), transaction.atomic():
        rows = list(Message.objects.exclude(type="system").order_by("provider_at"))
        order = dict.fromkeys(row.conversation_id for row in rows)
        return [[row.text for row in rows if row.conversation_id == each] for each in order]


def lines(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return [row.content["event"] for row in Message.objects.filter(type="system").order_by("provider_at")]


def test_meta_035_a_known_number_gains_its_id(workspace, channel):
    give(channel, text(channel, "m1", person=BY_NUMBER))
    give(channel, text(channel, "m2", person=BOTH))
    assert contacts(workspace) == 1
    assert handles(workspace) == {("wa_id", NUMBER, True), ("bsuid", BSUID, True)}


def test_meta_036_who_has_a_user_name_alone_is_answered_by_id(workspace, channel):
    give(channel, text(channel, "m1", person=BY_ID))
    assert handles(workspace) == {("bsuid", BSUID, True), ("username", "lena.fields", True)}


def test_meta_037_when_the_number_appears_the_two_contacts_become_one_with_a_line(workspace, other, channel):
    theirs = connect(other, "210000000000777", "310000000000777")
    for each in (channel, theirs):
        give(each, text(each, "m1", "by number", 0, person=BY_NUMBER), text(each, "m2", "by id", 10, person=BY_ID))
    assert contacts(workspace) == 2
    give(channel, text(channel, "m3", "by both", 20, person=BOTH))
    assert contacts(workspace) == 1
    assert words(workspace) == [["by number", "by id", "by both"]]
    assert lines(workspace) == ["merged"]
    assert handles(workspace) == {
        ("wa_id", NUMBER, True), ("bsuid", BSUID, True), ("username", "lena.fields", True)
    }  # fmt: skip
    with workspace_scope(workspace.pk):
        conversation = Conversation.objects.get()
        assert (conversation.unread_count, conversation.last_inbound_at) == (3, after(20))
    assert contacts(other) == 2 and lines(other) == [], "in another workspace nothing changes"


def test_meta_037_a_merge_takes_everything_along_on_every_channel(workspace, channel, member):
    second = connect(workspace, "210000000000502")
    give(channel, text(channel, "m1", "by number", 0, person=BY_NUMBER, files=[Media("900", "image")]))
    give(channel, reaction(channel, "m9", "👍", 1, BY_NUMBER), reaction(channel, "m9", "❤", 2, BY_ID))
    give(second, text(second, "m2", "elsewhere", 3, person=BY_NUMBER))
    give(channel, text(channel, "m3", "by id", 5, person=BY_ID))
    with workspace_scope(workspace.pk):
        row = Conversation.objects.get(pk=Message.objects.get(provider_at=NOW).conversation_id)
        replies.send_reply(row, "an answer under way", Actor.member(member))
    give(channel, text(channel, "m4", "by both", 20, person=BOTH))
    with workspace_scope(workspace.pk):
        contact = Contact.objects.get(merged_into=None)
        for model in (Conversation, Message, Attachment, Reaction, Handle):
            assert set(model.objects.values_list("contact_id", flat=True)) == {contact.pk}, model
        assert Conversation.objects.count() == 2
        assert Delivery.objects.get().conversation_id == Conversation.objects.get(channel=channel).pk
        assert Reaction.objects.get().emoji == "❤"
        gone = Contact.objects.exclude(merged_into=None).get()
        assert (gone.merged_into_id, gone.name) == (contact.pk, None)
    assert lines(workspace) == ["merged", "merged"]


def test_a_merge_in_the_batch_that_makes_both_contacts_leaves_one(workspace, channel):
    give(
        channel, text(channel, "m1", "by number", 0, person=BY_NUMBER), text(channel, "m2", "by id", 10, person=BY_ID),
        text(channel, "m3", "by both", 20, person=BOTH), text(channel, "m4", "by number", 30, person=BY_NUMBER),
    )  # fmt: skip
    assert contacts(workspace) == 1
    assert words(workspace) == [["by number", "by id", "by both", "by number"]]


def keys() -> int:
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sealing_key WHERE purpose = 'contact'")
        return int(cursor.fetchone()[0])


@pytest.mark.clause("10b")
def test_what_was_sealed_before_a_merge_opens_until_the_one_contact_is_erased_and_then_no_more(
    committed, workspace, channel
):
    give(channel, text(channel, "m1", "by number", 0, person=BY_NUMBER, files=[Media("900", "image")]))
    with workspace_scope(workspace.pk), transaction.atomic():
        attachment = Attachment.objects.get()
        key, size = media._store(workspace.pk, attachment.contact_id, attachment.pk, io.BytesIO(b"a picture"))
        Attachment.objects.update(state="stored", storage_key=key, size=size)
        erasure.keep_files([key])
    give(channel, text(channel, "m2", "by id", 10, person=BY_ID))
    give(channel, text(channel, "m3", "by both", 20, person=BOTH))
    give(channel, edit(channel, "m1", "edited since", 30))
    assert words(workspace) == [["edited since", "by id", "by both"]]
    with workspace_scope(workspace.pk), transaction.atomic(), media.opened(Attachment.objects.get()) as opened:
        assert b"".join(opened.chunks()) == b"a picture"
    with workspace_scope(workspace.pk), transaction.atomic():
        RetentionPolicy.objects.create(conversation_days=1)
        Contact.objects.exclude(merged_into=None).update(created_at=after(-(10**6)))
    retention.purge(workspace.pk, "command")
    assert words(workspace) == [["edited since", "by id", "by both"]], "the merged one is not purged by itself"
    assert keys() == 2
    with workspace_scope(workspace.pk), transaction.atomic():
        Conversation.objects.update(last_message_at=after(-(10**6)))
    retention.purge(workspace.pk, "command")
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Contact.objects.exists() and not Message.objects.exists() and not Handle.objects.exists()
    assert keys() == 0
    assert not default_storage.exists(key)


def test_meta_040_a_user_name_changes_and_nothing_is_keyed_on_it(workspace, channel):
    for number, name in enumerate(("lena.fields", "lena.fields", "lena.f")):
        give(channel, text(channel, f"m{number}", person=Person({"bsuid": BSUID, "username": name})))
    give(channel, text(channel, "m9", person=Person({"bsuid": OTHER_BSUID, "username": "lena.f"})))
    assert contacts(workspace) == 2


def changed(channel) -> None:
    now = {"wa_id": OTHER_NUMBER, "bsuid": OTHER_BSUID}
    give(channel, change(channel, "number", {"wa_id": NUMBER, "bsuid": BSUID}, now, 60))


def test_meta_041_a_new_number_is_linked_the_old_one_is_history_and_a_person_confirms(
    workspace, channel, client, owner
):
    give(channel, text(channel, "m1", "before", person=BOTH))
    for _ in range(2):
        changed(channel)
    assert handles(workspace) == {
        ("wa_id", NUMBER, False), ("bsuid", BSUID, False), ("wa_id", OTHER_NUMBER, True), ("bsuid", OTHER_BSUID, True),
    }  # fmt: skip
    give(channel, text(channel, "m2", "after", 70, person=Person({"wa_id": OTHER_NUMBER, "bsuid": OTHER_BSUID})))
    assert words(workspace) == [["before", "after"]] and lines(workspace) == ["number_changed"]
    with workspace_scope(workspace.pk):
        conversation, contact = Conversation.objects.get(), Contact.objects.get()
    assert contact.identity_changed_at is not None
    assert conversation.unread_count == 2, "a line is nobody's message"
    client.force_login(owner)
    page = f"/w/{workspace.slug}/inbox/{conversation.pk}/"
    assert "Is it still them?" in client.get(page).content.decode()
    assert client.post(f"{page}confirm/").status_code == 302
    assert "Is it still them?" not in client.get(page).content.decode()
    changed(channel)
    with workspace_scope(workspace.pk):
        assert Contact.objects.get().identity_changed_at is None, "told once more it is no new doubt"


def test_meta_041_a_contact_that_the_new_number_made_already_is_the_same_person(workspace, channel):
    give(channel, text(channel, "m1", "before", person=BOTH))
    give(channel, text(channel, "m2", "after", 70, person=Person({"wa_id": OTHER_NUMBER, "bsuid": OTHER_BSUID})))
    assert contacts(workspace) == 2
    changed(channel)
    assert contacts(workspace) == 1
    assert words(workspace) == [["before", "after"]]


def test_meta_041_a_new_number_that_was_a_strangers_brings_no_stranger_along(workspace, channel):
    give(channel, text(channel, "m0", "somebody else", -60, person=Person({"wa_id": OTHER_NUMBER, "bsuid": "DE.1"})))
    give(channel, text(channel, "m1", "before", person=BOTH))
    changed(channel)
    assert contacts(workspace) == 2
    assert words(workspace) == [["somebody else"], ["before"]]
    assert ("wa_id", OTHER_NUMBER, False) in handles(workspace)


def test_meta_041_what_was_written_before_the_change_and_comes_after_it_still_is_theirs(workspace, channel):
    give(channel, text(channel, "m1", "before", person=BOTH))
    changed(channel)
    give(channel, text(channel, "m2", "late", 30, person=BOTH))
    assert words(workspace) == [["before", "late"]]
    assert ("wa_id", NUMBER, False) in handles(workspace)


def test_meta_042_a_new_id_is_added_silently(workspace, channel):
    give(channel, text(channel, "m1", person=BOTH))
    give(channel, change(channel, "id", {"bsuid": BSUID}, {"bsuid": OTHER_BSUID}, 60))
    give(channel, text(channel, "m2", person=Person({"bsuid": OTHER_BSUID})))
    assert contacts(workspace) == 1 and lines(workspace) == []
    with workspace_scope(workspace.pk):
        assert Contact.objects.get().identity_changed_at is None


def test_meta_043_a_stranger_with_an_old_number_is_a_new_contact_and_sees_no_old_history(workspace, channel):
    give(channel, text(channel, "m1", "hers", person=BOTH))
    changed(channel)
    give(channel, text(channel, "m2", "a stranger's", 90, person=Person({"wa_id": NUMBER, "bsuid": "DE.3"}, "Sam")))
    assert contacts(workspace) == 2
    assert words(workspace) == [["hers"], ["a stranger's"]]


def test_meta_043_without_any_news_of_a_change_another_id_is_another_person(workspace, channel, member):
    give(channel, text(channel, "m1", "hers", person=BOTH))
    give(channel, text(channel, "m2", "a stranger's", 90, person=Person({"wa_id": NUMBER, "bsuid": "DE.3"}, "Sam")))
    assert words(workspace) == [["hers"], ["a stranger's"]]
    assert handles(workspace) == {
        ("wa_id", NUMBER, False), ("bsuid", BSUID, True), ("wa_id", NUMBER, True), ("bsuid", "DE.3", True)
    }  # fmt: skip
    with workspace_scope(workspace.pk):
        row = Conversation.objects.select_related("channel", "contact").order_by("created_at").first()
        shown = threads.load(row, member)
        assert {each["label"] for each in shown["contact"]["handles"]} == {"Phone, formerly", "WhatsApp id"}
        assert shown["thread"].handle == ""
        whole = masking.reveal(list(Handle.objects.filter(contact_id=row.contact_id)), Actor.member(member))
        assert f"+{NUMBER}" in whole.values()


def test_meta_044_a_changed_security_code_leaves_a_line_and_a_doubt(workspace, channel):
    give(channel, text(channel, "m1", person=BOTH))
    give(channel, change(channel, "security", {}, {"wa_id": NUMBER}, 60))
    assert lines(workspace) == ["security_changed"]
    with workspace_scope(workspace.pk):
        assert Contact.objects.get().identity_changed_at is not None
        assert Conversation.objects.get().unread_count == 1


def test_a_change_of_somebody_unknown_writes_nothing(workspace, channel):
    changed(channel)
    assert contacts(workspace) == 0 and handles(workspace) == set()


@pytest.mark.clause("2c")
def test_meta_046_no_table_holds_a_number_or_an_id_of_a_message_in_clear(workspace, channel):
    wamid = "wamid.HBgMNDkxNzAxMTEyMjMzFQIAEhgUM0Y5"
    give(
        channel, text(channel, wamid, person=BOTH, reply_to=wamid), edit(channel, wamid, "new", 5),
        edit(channel, f"{wamid}X", "early", 5), echo(channel, f"{wamid}Y"), reaction(channel, wamid, "👍"),
    )  # fmt: skip
    changed(channel)
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'conversations_%'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                assert NUMBER not in row and "wamid" not in row and "NDkxNzAxMTEyMjMz" not in row
                assert NUMBER.encode().hex() not in row and b"wamid".hex() not in row
