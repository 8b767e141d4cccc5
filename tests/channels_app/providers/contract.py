"""What every provider has to keep, whatever the platform: one class of tests that each provider's folder inherits.

Numbers in names are those of the Meta conformance cases.
"""

import io
import json
import traceback
from typing import Any, ClassVar

import pytest
from django.db import DatabaseError
from django.test import Client

from channels_app.contract import (
    CredentialsRefused,
    Media,
    MediaGone,
    OutboundMedia,
    OutboundMessage,
    Parsed,
    Permanent,
    Provider,
    ProviderError,
    Retryable,
    Unknown,
)
from channels_app.models import RawEvent
from channels_app.registry import PROVIDERS
from conversations import ingest
from omnistra.core.tenancy import system_scope
from tests.channels_app.providers.meta import APP_SECRET, INSTAGRAM_SECRET, VERIFY_TOKEN, error, sign

TOKEN = "EAAcanary-token-7f3a"
CANARY = "canary-9d41"
JUNK = [
    b"", b"not json", b"[]", b"7", b"null", b'{"object":"user"}', b"[" * 10_000, b'{"a":' * 10_000, b"\xff\xfe",
    b'{"object":"page","entry":7}', b'[{"object":"instagram"}]',
]  # fmt: skip


def rows() -> int:
    """How many raw events there are."""
    with system_scope("test"):
        return RawEvent.objects.count()


class ProviderContract:
    """Inherit it in a class whose name begins with Test, and say what differs."""

    slug: ClassVar[str]
    secrets: ClassVar[tuple[str, ...]]  # each of which may sign
    strangers: ClassVar[tuple[str, ...]]  # secrets of ours that may not sign here
    secret_settings: ClassVar[tuple[str, ...]]
    previous_setting: ClassVar[str]
    channel: ClassVar[str]
    handles: ClassVar[dict[str, str]]
    vector: ClassVar[tuple[bytes, str, str]]  # body, signature, its text; published
    sent: ClassVar[dict[str, Any]]  # the answer to a send
    refused: ClassVar[list[tuple[OutboundMessage, str]]]  # messages beyond the platform's limits, a word of the reason
    errors: ClassVar[list[tuple[int, dict[str, Any], type[ProviderError]]]]
    file_needs_token: ClassVar[bool]

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.slug]

    @property
    def url(self) -> str:
        return f"/webhooks/{self.slug}/"

    def post(self, body: bytes, signature: str | None = None, **headers: str):
        given = {"X-Hub-Signature-256": sign(body, self.secrets[0]) if signature is None else signature}
        return Client().post(self.url, body, content_type="application/json", headers={**given, **headers})

    def texts(self, *texts: str) -> bytes:
        """A body with these texts of one person."""
        raise NotImplementedError

    def wanted_file(self, url: str) -> tuple[Media, list[Any]]:
        """A file at this address as a webhook tells of it, and the answers that come before the download."""
        return Media("", "image", url=url), []

    def message(self, **more: Any) -> OutboundMessage:
        return OutboundMessage(self.handles, "om1.7f3a91", **({"text": "Yes, three left."} | more))

    # Endpoint, handshake, signature

    def test_meta_001_the_challenge_comes_back_for_the_right_token(self, db):
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY_TOKEN}
        answer = Client().get(self.url, query)
        assert (answer.status_code, answer.content) == (200, b"1158201444")
        assert answer["Content-Type"].startswith("text/plain")

    @pytest.mark.parametrize(
        "query",
        [
            {"hub.mode": "subscribe", "hub.challenge": "<script>", "hub.verify_token": "wrong"},
            {"hub.mode": "subscribe", "hub.challenge": "1158201444"},
            {"hub.mode": "unsubscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY_TOKEN},
            {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN},
            {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "ünïcode"},
            {},
        ],
    )
    def test_meta_002_every_other_handshake_is_refused_and_nothing_echoed(self, db, query):
        answer = Client().get(self.url, query)
        assert answer.status_code == 403
        assert b"script" not in answer.content and b"1158201444" not in answer.content

    def test_meta_002_without_a_verify_token_there_is_no_handshake(self, db, settings):
        settings.META_VERIFY_TOKEN = settings.INSTAGRAM_VERIFY_TOKEN = ""
        query = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": ""}
        assert Client().get(self.url, query).status_code == 403

    def test_meta_003_the_published_vector_is_taken_and_read(self, db):
        body, signature, text = self.vector
        assert self.post(body, signature).status_code == 200
        assert rows() == 1
        (update,) = self.provider.parse(body).updates
        assert update.content["text"] == text and update.channel == self.channel

    def test_meta_004_and_005_a_wrong_or_missing_signature_is_refused_and_leaves_no_row(
        self, db, django_assert_num_queries
    ):
        body, right, _ = self.vector
        digits = right.removeprefix("sha256=")
        wrong = [right[:-1] + ("0" if right[-1] != "0" else "1"), "", "sha1=" + digits[:40], "sha256=", digits]
        wrong += ["sha256=ünïcode", "sha256=" + digits[:-2], sign(body, "another-secret"), sign(body, "")]
        with django_assert_num_queries(0):
            for signature in wrong:
                assert self.post(body, signature).status_code == 401, signature
            bare = Client().post(self.url, body, content_type="application/json")
            assert bare.status_code == 401
        assert rows() == 0

    def test_meta_006_upper_case_hex_is_taken(self, db):
        body, right, _ = self.vector
        assert self.post(body, "sha256=" + right.removeprefix("sha256=").upper()).status_code == 200

    def test_meta_007_the_bytes_are_signed_and_not_their_meaning(self, db):
        body = json.dumps(json.loads(self.texts("Grüße 👋")), ensure_ascii=True).encode()
        other = json.dumps(json.loads(body), ensure_ascii=False).encode()
        assert self.post(body).status_code == 200
        assert self.post(other, sign(body, self.secrets[0])).status_code == 401
        (update,) = self.provider.parse(body).updates
        assert update.content["text"] == "Grüße 👋"

    def test_meta_008_the_previous_secret_holds_while_a_rotation_lasts(self, db, settings):
        body = self.vector[0]
        setattr(settings, self.previous_setting, "the-old-one")
        assert self.post(body, sign(body, "the-old-one")).status_code == 200
        assert self.post(body).status_code == 200
        setattr(settings, self.previous_setting, "")
        assert self.post(body, sign(body, "the-old-one")).status_code == 401

    def test_meta_009_without_a_secret_nothing_is_believed_and_the_platform_shall_come_again(self, db, settings):
        for name in self.secret_settings:
            setattr(settings, name, "")
        body = self.vector[0]
        for signature in (sign(body, ""), sign(body, APP_SECRET), ""):
            assert self.post(body, signature).status_code == 503
        assert rows() == 0

    def test_meta_010_each_secret_of_this_platform_signs_and_no_other(self, db):
        body = self.vector[0]
        for secret in self.strangers:
            assert self.post(body, sign(body, secret)).status_code == 401
        assert rows() == 0
        for secret in self.secrets:
            assert self.post(body, sign(body, secret)).status_code == 200

    def test_meta_012_a_body_of_2_9_megabytes_is_taken_whole_and_one_above_3_is_not(self, db):
        body = self.texts(*["x" * 3000] * 900)
        assert 2_700_000 < len(body) < 3_000_000
        assert self.post(body).status_code == 200
        assert len(self.provider.parse(body).updates) == 900
        assert self.post(b" " * 3_500_000).status_code == 413
        assert rows() == 1

    @pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
    def test_meta_013_and_014_signed_nonsense_is_answered_200_and_set_aside(self, db, body):
        assert self.post(body).status_code == 200
        assert ingest.drain() == 1
        with system_scope("test"):
            event = RawEvent.objects.get()
        assert event.state in ("aside", "done") and (event.reason or body.startswith(b'{"object"'))

    def test_meta_015_with_the_database_away_the_platform_comes_again_and_it_is_stored_once(self, db, monkeypatch):
        def away(*args):
            raise DatabaseError("gone")

        body = self.vector[0]
        with monkeypatch.context() as patched:
            patched.setattr("channels_app.webhooks.append", away)
            assert self.post(body).status_code == 503
        assert self.post(body).status_code == self.post(body).status_code == 200
        assert rows() == 1

    def test_meta_017_a_session_changes_nothing(self, client, owner):
        body, signature, _ = self.vector
        client.force_login(owner)
        headers = {"X-Hub-Signature-256": signature}
        answer = client.post(self.url, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200 and not answer.cookies and "Cookie" not in answer.get("Vary", "")
        headers["X-Hub-Signature-256"] = "sha256=00"
        assert client.post(self.url, body, content_type="application/json", headers=headers).status_code == 401

    def test_meta_018_nothing_of_a_webhook_is_logged(self, db, capsys, caplog):
        body = self.texts(f"my secret {CANARY}")
        self.post(body)
        self.post(body, "sha256=" + "a" * 64)
        ingest.drain()
        seen = "".join(capsys.readouterr()) + caplog.text
        for secret in (CANARY, *self.handles.values(), sign(body, self.secrets[0])[7:], "a" * 64):
            assert secret not in seen

    # Parsing

    @pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
    def test_parsing_never_raises(self, body):
        found = self.provider.parse(body)
        assert isinstance(found, Parsed) and not found.updates

    def test_one_bad_part_costs_none_of_its_neighbours(self):
        body = json.loads(self.texts("first", "second", "third"))
        for broken in self._break_second(body):
            found = self.provider.parse(json.dumps(broken).encode())
            assert [each.content["text"] for each in found.updates] == ["first", "third"]
            assert len(found.problems) == 1

    def _break_second(self, body: dict[str, Any]):
        for value in (None, 7, "x", [], {}, {"sender": 7, "from": []}):
            copy = json.loads(json.dumps(body))
            self.elements(copy)[1] = value
            yield copy

    def elements(self, body: dict[str, Any]) -> list[Any]:
        """The list in which the messages of `texts` stand."""
        raise NotImplementedError

    @pytest.mark.clause("4a")
    def test_what_nobody_named_is_stored_nowhere(self):
        def laced(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: laced(each) for key, each in value.items()} | {"new_key": CANARY, CANARY: 1}
            return [laced(each) for each in value] if isinstance(value, list) else value

        body = json.dumps(laced(json.loads(self.texts("hello")))).encode()
        found = self.provider.parse(body)
        assert len(found.updates) == 1 and CANARY not in repr(found)

    # Sending

    def test_what_is_within_the_limits_is_not_refused(self):
        assert self.provider.refuse(self.message()) == ""
        photo = OutboundMedia("image", "image/jpeg", "a.jpg", 1000, io.BytesIO(b"x"))
        assert self.provider.refuse(self.message(text="", media=photo)) == ""

    def test_what_is_beyond_a_limit_is_refused_with_words(self):
        for message, word in self.refused:
            reason = self.provider.refuse(message)
            assert word in reason and reason[0].isupper() and reason.rstrip("”.")[-1] != " ", (reason, word)

    def test_an_empty_message_and_an_empty_file_are_refused(self):
        empty = OutboundMedia("image", "image/jpeg", "a.jpg", 0, io.BytesIO())
        assert self.provider.refuse(self.message(text="  ")) and self.provider.refuse(
            self.message(text="", media=empty)
        )

    def send(self, **more: Any) -> str:
        return self.provider.send(self.channel, {"token": TOKEN}, self.message(**more))

    def test_a_send_gives_the_platforms_id_and_carries_the_token_in_a_header_alone(self, graph):
        graph.answers = [(200, self.sent)]
        assert self.send() in json.dumps(self.sent)
        (call,) = graph.calls
        assert call.headers["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in call.path + repr(call.query) + call.body.decode()

    def test_somebody_without_an_address_here_is_refused_before_the_call(self, graph):
        with pytest.raises(Permanent):
            self.provider.send(self.channel, {"token": TOKEN}, OutboundMessage({"username": "lena"}, "1", text="Hi"))
        assert graph.calls == []

    def test_each_error_has_its_class_words_and_code(self, graph):
        for status, answer, kind in self.errors:
            graph.answers = [(status, answer)]
            with pytest.raises(kind) as raised:
                self.send()
            assert raised.value.title and raised.value.title == raised.value.title.strip(), answer
            assert "{" not in raised.value.title and isinstance(raised.value.code, int)

    def test_meta_081_a_connection_that_breaks_leaves_the_outcome_unknown(self, graph):
        graph.answers = [None]
        with pytest.raises(Unknown):
            self.send()
        assert len(graph.calls) == 1

    @pytest.mark.parametrize("answer", [{}, {"messages": []}, [], "sent", 7, {"message_id": None}, {"messages": [7]}])
    def test_an_answer_without_an_id_leaves_the_outcome_unknown(self, graph, answer):
        graph.answers = [(200, answer)]
        with pytest.raises(Unknown):
            self.send()

    @pytest.mark.parametrize("answer", [b"<html>", {}, {"error": 7}, {"error": {"code": "x", "message": {}}}, [], None])
    def test_an_error_without_a_form_is_typed_by_its_status(self, graph, answer):
        graph.answers = [(502, answer)]
        with pytest.raises(Retryable):
            self.send()
        graph.answers = [(401, answer)]
        with pytest.raises(CredentialsRefused):
            self.send()
        graph.answers = [(400, answer)]
        with pytest.raises(Permanent):
            self.send()

    def test_what_certainly_did_not_arrive_may_be_sent_again(self, graph, settings):
        settings.META_GRAPH_URL = settings.INSTAGRAM_GRAPH_URL = "http://127.0.0.1:1"
        with pytest.raises(Retryable):
            self.send()

    def test_no_error_says_the_token_or_the_text(self, graph):
        answers = [(status, answer) for status, answer, _ in self.errors]
        for answer in (*answers, None, (200, {}), (500, b"<html>")):
            graph.answers = [answer]
            with pytest.raises(ProviderError) as raised:
                self.send(text=f"Dear {CANARY}")
            seen = "".join(traceback.format_exception(raised.value)) + repr(vars(raised.value))
            assert TOKEN not in seen and CANARY not in seen

    def test_an_unclear_upload_may_be_repeated_since_nobody_saw_it(self, graph):
        graph.answers = [None]
        photo = OutboundMedia("image", "image/jpeg", "a.jpg", 4, io.BytesIO(b"jpeg"))
        with pytest.raises(Retryable):
            self.send(text="", media=photo)

    # Connecting

    def test_a_check_with_a_dead_token_asks_for_a_new_one(self, graph):
        graph.answers = [(401, error(190, 463))]
        with pytest.raises(CredentialsRefused):
            self.provider.check(self.channel, "1", {"token": TOKEN})

    # Files

    def fetch(self, graph, *answers: Any, url: str = "") -> tuple[Any, bytes]:
        media, before = self.wanted_file(url or f"{graph.url}/file.jpg")
        graph.answers = [*before, *answers]
        target = io.BytesIO()
        return self.provider.fetch_media(self.channel, {"token": TOKEN}, media, target), target.getvalue()

    def test_a_file_is_written_with_its_size_and_hash(self, graph):
        answer, data = self.fetch(graph, (200, b"\xff\xd8\xffjpeg", {"Content-Type": "image/jpeg; x=1"}))
        assert data == b"\xff\xd8\xffjpeg" and answer.size == 7 and answer.mime == "image/jpeg"
        assert len(answer.sha256) == 64
        assert ("Authorization" in graph.calls[-1].headers) == self.file_needs_token

    @pytest.mark.clause("7a")
    @pytest.mark.parametrize(
        "url", ["https://evil.example/x", "http://169.254.169.254/x", "https://evil.example\\@%s/x"]
    )
    def test_meta_052_no_other_host_is_asked(self, graph, url):
        before = len(self.wanted_file(url)[1])
        with pytest.raises(MediaGone):
            self.fetch(graph, (200, b"x"), url=url.replace("%s", graph.host))
        assert len(graph.calls) == before

    def test_meta_052_a_redirect_is_not_followed(self, graph):
        before = len(self.wanted_file("x")[1])
        with pytest.raises((MediaGone, Retryable)):
            self.fetch(graph, (302, b"", {"Location": f"{graph.url}/elsewhere"}), (200, b"x"))
        assert len(graph.calls) == before + 1

    def test_a_file_above_the_limit_is_given_up(self, graph, monkeypatch):
        monkeypatch.setattr("channels_app.providers.meta.graph.MAX_INBOUND", 10)
        with pytest.raises(MediaGone):
            self.fetch(graph, (200, b"x" * 11))

    def test_an_address_that_is_over_and_a_download_that_breaks(self, graph):
        with pytest.raises((MediaGone, Retryable)):
            self.fetch(graph, (404, b""))
        with pytest.raises(Retryable):
            self.fetch(graph, None)
        with pytest.raises(Retryable):
            self.fetch(graph, (503, b""))


SECRETS = (APP_SECRET, INSTAGRAM_SECRET)
