"""Files in an S3 storage and on disk: sealed, read by range, and gone when their time is over; and what happens when the
storage or the platform does not do its part."""

import hashlib
import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from channels_app import registry
from channels_app.contract import CredentialsRefused, MediaAnswer, MediaGone, Retryable
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations import delivery, media
from conversations.models import Attachment, Conversation, Delivery, Message
from omnistra.core.ids import uuid7_at
from omnistra.core.sealing import FRAME
from omnistra.core.tenancy import workspace_scope
from omnistra.settings.base import configure_storages
from privacy import retention
from privacy.models import FileRemoval, RetentionPolicy
from tests.conversations.webhooks import connect, deliver
from tests.conversations.webhooks import media as image
from tests.s3 import BUCKET, S3

OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
PNG = b"\x89PNG\r\n\x1a\n" + b"lyrebird" + os.urandom(2 * FRAME + 77)


class Platform(WhatsApp):
    """WhatsApp whose files are what the test says: bytes, or an error to raise."""

    def __init__(self) -> None:
        self.files: list[bytes | Exception] = []
        self.sent: list[bytes] = []

    def fetch_media(self, external_id, credentials, media_id, target) -> MediaAnswer:
        given = self.files.pop(0)
        if isinstance(given, Exception):
            raise given
        target.write(given)
        return MediaAnswer("image/png", len(given), hashlib.sha256(given).hexdigest())

    def send(self, external_id, credentials, message) -> str:
        self.sent.append(message.media.file.read())
        return "wamid.out"


@pytest.fixture
def platform(monkeypatch) -> Platform:
    given = Platform()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    return given


@pytest.fixture
def s3(settings, monkeypatch) -> Iterator[S3]:
    running = S3()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    files = configure_storages(f"s3://{BUCKET}/some/folder?endpoint={running.endpoint}")["default"]
    settings.STORAGES = {**settings.STORAGES, "default": files}
    yield running
    running.close()


@pytest.fixture
def pictured(committed, workspace, platform):
    """A message with a picture that waits at the platform."""
    deliver((connect(workspace), image("wamid.1", OLD)))
    return workspace


def row(workspace) -> Attachment:
    with workspace_scope(workspace.pk), transaction.atomic():
        found = Attachment.objects.select_related("message").get()
        found.detail("note")  # opened here: the scope ends
        return found


def announced(workspace) -> list[str]:
    """The files that are named for removal."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(FileRemoval.objects.values_list("storage_key", flat=True))


def due_now(workspace) -> None:
    with workspace_scope(workspace.pk), transaction.atomic():
        Attachment.objects.filter(state__in=["pending", "fetching"]).update(next_attempt_at=timezone.now())
        FileRemoval.objects.update(due_at=timezone.now())


def agent(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def body(answer) -> bytes:
    return answer.getvalue()


@pytest.mark.clause("2c")
@pytest.mark.clause("10b")
def test_a_file_in_s3_is_sealed_shown_whole_and_by_range_sent_and_purged(pictured, owner, platform, s3):
    platform.files = [PNG]
    assert media.fetch_due() == 1
    attachment = row(pictured)
    assert (attachment.state, attachment.size) == ("stored", len(PNG)) and announced(pictured) == []
    ((name, stored),) = s3.objects().items()
    assert name == f"some/folder/{attachment.storage_key}" and b"lyrebird" not in stored and stored != PNG

    client, address = agent(owner), f"/w/northwind/attachments/{attachment.pk}/"
    whole = client.get(address)
    assert (whole.status_code, whole["Content-Type"], body(whole)) == (200, "image/png", PNG)
    part = client.get(address, headers={"Range": f"bytes={FRAME - 3}-{FRAME + 3}"})
    assert (part.status_code, body(part)) == (206, PNG[FRAME - 3 : FRAME + 4])
    assert part["Content-Range"] == f"bytes {FRAME - 3}-{FRAME + 3}/{len(PNG)}"

    upload = SimpleUploadedFile("tin.png", PNG, "image/png")
    conversation = attachment.message.conversation_id
    assert client.post(f"/w/northwind/inbox/{conversation}/reply/", {"files": upload}).status_code == 302
    assert len(s3.objects()) == 2 and announced(pictured) == []
    delivery.deliver()
    assert platform.sent == [PNG]

    with workspace_scope(pictured.pk), transaction.atomic():
        Message.objects.update(provider_at=OLD - timedelta(days=9))
        Attachment.objects.update(provider_at=OLD - timedelta(days=9))
        RetentionPolicy.objects.create(media_days=1)
    run = retention.purge(pictured.pk, "command")
    assert run is not None and run.counts == {"files": 2, "media": 2}
    assert s3.objects() == {} and announced(pictured) == []
    assert client.get(address).status_code == 404


def test_with_the_storage_away_the_purge_keeps_its_list_and_finishes_it_later(pictured, platform, s3):
    platform.files = [PNG]
    media.fetch_due()
    with workspace_scope(pictured.pk), transaction.atomic():
        Attachment.objects.update(provider_at=OLD - timedelta(days=9))
        RetentionPolicy.objects.create(media_days=1)
    s3.is_away = True
    assert retention.purge_all("schedule") == 1
    assert row(pictured).state == "purged" and len(announced(pictured)) == len(s3.objects()) == 1
    s3.is_away = False
    assert retention.remove_all_files() == 1
    assert s3.objects() == {} and announced(pictured) == []


def test_with_the_storage_away_a_file_waits_and_comes_later(pictured, owner, platform, s3):
    s3.is_away, platform.files = True, [PNG] * 4
    media.fetch_due()
    assert row(pictured).state == "pending"
    for _ in range(2):
        due_now(pictured)
        media.fetch_due()
    failed = row(pictured)
    assert failed.state == "failed"
    page = agent(owner).get(f"/w/northwind/inbox/{failed.message.conversation_id}/").content.decode()
    assert "The file could not be stored." in page and "Try again" in page
    s3.is_away = False
    assert agent(owner).post(f"/w/northwind/attachments/{failed.pk}/retry/").status_code == 302
    media.fetch_due()
    assert row(pictured).state == "stored"


def test_with_the_storage_away_an_upload_is_refused_in_words_and_the_text_stays(pictured, owner, platform, s3):
    s3.is_away = True
    upload = SimpleUploadedFile("tin.png", PNG, "image/png")
    address = f"/w/northwind/inbox/{row(pictured).message.conversation_id}/reply/"
    answer = agent(owner).post(address, {"files": upload, "text": "Here it is"})
    assert answer.status_code == 422
    assert "could not be stored" in answer.content.decode() and "Here it is" in answer.content.decode()
    with workspace_scope(pictured.pk), transaction.atomic():
        assert Delivery.objects.count() == 0 and Attachment.objects.count() == 1


def test_with_the_storage_away_an_answer_with_a_file_waits_in_the_outbox(pictured, owner, platform, s3):
    upload = SimpleUploadedFile("tin.png", PNG, "image/png")
    agent(owner).post(f"/w/northwind/inbox/{row(pictured).message.conversation_id}/reply/", {"files": upload})
    s3.is_away = True
    delivery.deliver()
    with workspace_scope(pictured.pk), transaction.atomic():
        waiting = Delivery.objects.get()
        assert (waiting.state, waiting.attempts) == ("queued", 1)
        Delivery.objects.update(next_attempt_at=timezone.now())
    s3.is_away = False
    delivery.deliver()
    assert platform.sent == [PNG]


def test_an_answer_whose_file_is_gone_fails_in_words_and_nothing_is_sent(pictured, owner, platform):
    upload = SimpleUploadedFile("tin.png", PNG, "image/png")
    agent(owner).post(f"/w/northwind/inbox/{row(pictured).message.conversation_id}/reply/", {"files": upload})
    with workspace_scope(pictured.pk), transaction.atomic():
        default_storage.delete(Attachment.objects.exclude(storage_key="").get().storage_key)
    delivery.deliver()
    with workspace_scope(pictured.pk), transaction.atomic():
        assert Delivery.objects.get().state == "failed"
        assert Message.objects.get(direction="outbound").error["title"] == "The file is no longer there."
    assert platform.sent == []


@pytest.mark.parametrize(
    ("trouble", "state", "words"),
    [
        ([Retryable("The download broke off.")] * 3, "failed", "The download broke off."),
        ([CredentialsRefused("The access token is not valid any more.", code=190)], "failed", "access token"),
        ([MediaGone("WhatsApp no longer holds this file.")], "expired", "no longer holds this file"),
        ([b"<html><script>alert(1)</script>"], "expired", "not what it says it is"),
        ([b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"], "expired", "not what it says it is"),
    ],
)
def test_meta_049_051_a_file_that_cannot_be_fetched_leaves_its_message_with_the_reason_and_a_retry_that_works(
    pictured, owner, platform, trouble, state, words
):
    platform.files = [*trouble, PNG]
    for _ in trouble:
        due_now(pictured)
        media.fetch_due()
    attachment = row(pictured)
    assert attachment.state == state
    client = agent(owner)
    page = client.get(f"/w/northwind/inbox/{attachment.message.conversation_id}/").content.decode()
    assert "Look" in page and words in page  # the caption is there, and why the file is not
    (retry,) = re.findall(r'action="([^"]*/attachments/[^"]*/retry/)"', page)
    assert client.get(f"/w/northwind/attachments/{attachment.pk}/").status_code == 404
    assert client.post(retry).status_code == 302
    media.fetch_due()
    assert row(pictured).state == "stored"
    assert body(client.get(f"/w/northwind/attachments/{attachment.pk}/")) == PNG


def test_meta_050_what_the_platform_no_longer_holds_is_not_asked_for(pictured, platform):
    with workspace_scope(pictured.pk), transaction.atomic():
        old = Attachment.objects.get()
        old.details = dict(old.details)  # sealed anew under its other id
        Attachment.objects.all().delete()
        old.pk = uuid7_at(timezone.now() - timedelta(days=7, minutes=1))
        old.save(force_insert=True)
    due_now(pictured)
    media.fetch_due()  # the platform has no file to give: a call would fail this test
    attachment = row(pictured)
    assert (attachment.state, attachment.detail("note")) == ("expired", "Expired at WhatsApp.")


def test_one_file_in_trouble_holds_up_no_other(committed, workspace, platform, monkeypatch):
    channel = connect(workspace)
    deliver((channel, image("wamid.1", OLD, "901")), (channel, image("wamid.2", OLD, "902")))
    real, seen = media._record, []

    def fails_once(attachment, *args, **kwargs):
        seen.append(attachment.pk)
        if len(seen) == 1:
            raise ZeroDivisionError
        return real(attachment, *args, **kwargs)

    monkeypatch.setattr(media, "_record", fails_once)
    platform.files = [PNG, PNG]
    assert media.fetch_due() == 2
    with workspace_scope(workspace.pk), transaction.atomic():
        assert sorted(Attachment.objects.values_list("state", flat=True)) == ["fetching", "stored"]


@pytest.mark.clause("10b")
def test_a_kill_between_storing_and_recording_leaves_no_file_behind(pictured, owner, platform, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(media, "_record", killed)
    platform.files = [PNG]
    with pytest.raises(KeyboardInterrupt):
        media.fetch_due()
    with monkeypatch.context() as at_the_answer, pytest.raises(KeyboardInterrupt):
        at_the_answer.setattr("conversations.replies.send_reply", killed)
        upload = SimpleUploadedFile("tin.png", PNG, "image/png")
        agent(owner).post(f"/w/northwind/inbox/{row(pictured).message.conversation_id}/reply/", {"files": upload})
    left = announced(pictured)
    assert len(left) == 2 and all(default_storage.exists(name) for name in left)
    assert retention.remove_all_files() == 0  # not yet due: whoever stored them may be about to record them
    due_now(pictured)
    assert retention.remove_all_files() == 2
    assert not any(default_storage.exists(name) for name in left)


@pytest.mark.parametrize(
    ("name", "mime", "content"),
    [
        ("photo.png", "image/png", b"<html><script>alert(1)</script>"),
        ("photo.jpg", "image/jpeg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("page.html", "text/html", b"<html>"),
        ("drawing.svg", "image/svg+xml", b"<svg/>"),
        ("tool.exe", "application/x-msdownload", b"MZ"),
        ("nothing.png", "image/png", b""),
    ],
)
def test_an_upload_that_is_not_what_it_says_is_refused_and_nothing_is_stored(
    pictured, owner, platform, name, mime, content
):
    address = f"/w/northwind/inbox/{row(pictured).message.conversation_id}/reply/"
    answer = agent(owner).post(address, {"files": SimpleUploadedFile(name, content, mime)})
    assert answer.status_code == 422 and "Choose another file" in answer.content.decode()
    with workspace_scope(pictured.pk), transaction.atomic():
        assert Delivery.objects.count() == 0 and Attachment.objects.count() == 1
        assert Conversation.objects.count() == 1
    assert announced(pictured) == []


def stored(workspace, kind: str, mime: str, name: str, content: bytes = b"<script>alert(1)</script>") -> str:
    """The address of a stored file that says this of itself."""
    attachment = row(workspace)
    with workspace_scope(workspace.pk):
        key, size = media._store(workspace.pk, attachment.contact_id, attachment.pk, io.BytesIO(content))
        with transaction.atomic():
            attachment.state, attachment.kind, attachment.storage_key = "stored", kind, key
            attachment.size, attachment.details = size, {"mime": mime, "name": name}
            attachment.save()
    return f"/w/northwind/attachments/{attachment.pk}/"


@pytest.mark.parametrize(
    ("kind", "mime", "shown"),
    [
        ("image", "image/png", True),
        ("image", "image/svg+xml", False),
        ("image", "text/html", False),
        ("image", "image/png+xml", False),
        ("video", "video/mp4; codecs=h264", True),
        ("video", "video/mp4\r\nSet-Cookie: a=b", False),
        ("audio", "audio/ogg", True),
        ("audio", "audio/\u00fc", False),
        ("document", "text/html", False),
        ("document", "image/png", False),
        ("document", "", False),
    ],
)
def test_only_kinds_that_a_browser_shows_safely_are_shown_and_nothing_runs(pictured, owner, kind, mime, shown):
    answer = agent(owner).get(stored(pictured, kind, mime, "a\r\nSet-Cookie: a=b;\u202egnp.html"))
    assert answer.status_code == 200
    assert answer["Content-Type"] == (mime.split(";")[0] if shown else "application/octet-stream")
    assert answer["Content-Disposition"].startswith("inline" if shown else "attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in answer["Cache-Control"] and not answer.cookies
    assert body(answer) == b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-", 206, b"0123456789"),
        ("bytes=3-5", 206, b"345"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-99", 206, b"0123456789"),
        ("bytes=8-99999999999", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=99-100", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=5-3", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=" + ",".join(["0-"] * 1000), 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=a-b", 200, b"0123456789"),
        ("bytes=" + "9" * 5000 + "-", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=\u0663-", 200, b"0123456789"),
    ],
)
def test_a_range_is_answered_or_refused_as_the_standard_says(pictured, owner, asked, status, expected):
    answer = agent(owner).get(stored(pictured, "audio", "audio/ogg", "a.ogg", b"0123456789"), headers={"Range": asked})
    assert (answer.status_code, body(answer)) == (status, expected)
    assert answer["Content-Length"] == str(len(expected))
    if status == 416:
        assert answer["Content-Range"] == "bytes */10"


def test_an_empty_file_has_no_range(pictured, owner):
    address = stored(pictured, "document", "text/plain", "empty.txt", b"")
    assert body(agent(owner).get(address)) == b""
    answer = agent(owner).get(address, headers={"Range": "bytes=-5"})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */0")
