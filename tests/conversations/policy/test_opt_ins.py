"""Who may be written to first, and that a no counts at once and outlives the data of whoever said it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.audit import Actor
from accounts.models import ApiKey, AuditEntry, Membership
from accounts.roles import Role
from channels_app.contract import Consent, Person
from conversations import opt_ins, personal_data, policy, replies
from conversations.models import Contact, Conversation, Handle, Message, OptIn, OptOut
from conversations.opt_ins import hearing
from conversations.policy import Outgoing, Refused
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope
from privacy import policies
from privacy.models import TermsAcceptance
from tests.conftest import join
from tests.conversations.policy.conftest import again
from tests.conversations.policy.test_engine import MARKETING, ROBOT, RULE, UTILITY
from tests.conversations.webhooks import LENA, deliver, text

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def attested(talk, member) -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        policies.attest_opt_in(member, "127.0.0.1")


@pytest.fixture
def client_of(owner) -> Client:
    client = Client()
    client.force_login(owner, BACKEND)
    return client


def code(talk, what: Outgoing, by=ROBOT) -> str:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        refused = policy.why_not(again(talk), by, what)
    return refused.code if refused else ""


def said(talk, topic: str, granted: bool, at: datetime, source: str = "website") -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        entry = opt_ins.Entry(talk.contact_id, "whatsapp", topic, granted, source, at, wording="Yes, write to me.")
        opt_ins.record(entry, Actor("api_key", uuid7()))


def tell(talk, topic: str, granted: bool, at: datetime | None) -> None:
    consent = Consent("1", "1", Person({"wa_id": LENA}), topic, granted, at, "User requested to stop")
    with workspace_scope(talk.workspace_id), transaction.atomic():
        opt_ins.apply(talk.workspace_id, [(consent, talk.contact_id, talk.channel)])


@pytest.mark.clause("4c")
@pytest.mark.parametrize("what", [MARKETING, UTILITY, Outgoing(is_template=True, category="authentication")])
def test_meta_102_a_template_needs_statement_and_opt_in_whoever_sends_it(talk, member, what):
    everybody = (Actor.member(member), ROBOT, RULE)
    assert {code(talk, what, by) for by in everybody} == {"attestation_missing"}
    with workspace_scope(talk.workspace_id), transaction.atomic():
        policies.attest_opt_in(member, "127.0.0.1")
    assert {code(talk, what, by) for by in everybody} == {"needs_opt_in"}
    said(talk, what.topic, True, NOW)
    assert {code(talk, what, by) for by in everybody} == {""}


@pytest.mark.clause("4c")
def test_marketing_needs_its_own_yes_and_a_template_of_no_known_kind_counts_as_marketing(talk, attested):
    said(talk, "utility", True, NOW)
    assert code(talk, UTILITY) == "" and code(talk, MARKETING) == "needs_opt_in"
    assert code(talk, Outgoing(is_template=True, category="new kind")) == "needs_opt_in"
    said(talk, "marketing", True, NOW)
    assert code(talk, MARKETING) == ""


@pytest.mark.clause("4c")
def test_meta_092_a_stop_at_the_platform_ends_marketing_and_not_the_answers(talk, attested):
    said(talk, "marketing", True, NOW - timedelta(hours=2))
    tell(talk, "marketing", False, NOW - timedelta(hours=1))
    tell(talk, "marketing", False, NOW - timedelta(hours=1))  # webhooks come twice
    assert code(talk, MARKETING) == "opted_out"
    assert code(talk, policy.FREE) == ""
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert OptIn.objects.filter(is_granted=False).count() == 1
        assert AuditEntry.objects.filter(action="opt_in.withdrawn").count() == 1
        assert OptIn.objects.get(is_granted=False).wording == "User requested to stop"


@pytest.mark.clause("4c")
@pytest.mark.parametrize(
    ("stop", "resume", "expected"),
    [(60, 30, "opted_out"), (30, 60, ""), (30, 30, "opted_out")],
)
@pytest.mark.parametrize("first", ["stop", "resume"])
def test_meta_104_the_time_of_the_event_decides_between_stop_and_resume(talk, attested, stop, resume, expected, first):
    times = {"stop": (False, stop), "resume": (True, resume)}
    for name in (first, next(iter(set(times) - {first}))):
        granted, minutes = times[name]
        tell(talk, "marketing", granted, NOW - timedelta(hours=2) + timedelta(minutes=minutes))
    assert code(talk, MARKETING) == expected


def test_a_stop_from_the_future_counts_from_now(talk, attested):
    said(talk, "marketing", True, NOW)
    tell(talk, "marketing", False, NOW + timedelta(days=400))
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert OptIn.objects.get(is_granted=False).at < datetime.now(UTC) + timedelta(minutes=1)


@pytest.mark.clause("4c")
@pytest.mark.parametrize(
    "words", ["STOP", "Stopp", "PARAR", "stop.", " Stop!! 🙏", "Abmelden", "стоп", "توقف", "ＳＴＯＰ"]
)
def test_meta_103_a_stop_word_alone_is_a_no_and_stops_programs(talk, member, attested, words):
    said(talk, "marketing", True, NOW - timedelta(days=1))
    at = datetime.now(UTC).replace(microsecond=0)
    deliver((talk.channel, text("wamid.stop", words, at)))
    assert code(talk, MARKETING) == code(talk, UTILITY) == "opted_out"
    assert code(talk, policy.FREE) == code(talk, policy.FREE, RULE) == "opted_out"
    with workspace_scope(talk.workspace_id), transaction.atomic():
        entry = OptIn.objects.get(is_granted=False)
        assert (entry.topic, entry.source, entry.wording) == ("all", "word", words)
        assert entry.at == at
        assert not Message.objects.filter(direction="outbound").exists()  # silence is what was asked for
        verdict = policy.verdict(again(talk), Actor.member(member))
        assert verdict.refused is None and "asked you to stop" in verdict.notice
    deliver((talk.channel, text("wamid.more", "Where is my order?", at + timedelta(seconds=5))))
    assert code(talk, policy.FREE) == "" and code(talk, UTILITY) == "opted_out"


@pytest.mark.clause("4c")
@pytest.mark.parametrize(
    "words", ["please stop by tomorrow", "Stop it, you made me laugh", "non-stop", "stop " * 40, "", "🙏"]
)
def test_meta_103_a_word_among_others_is_no_stop(talk, attested, words):
    assert not hearing.is_stop_word(words)
    said(talk, "marketing", True, NOW - timedelta(days=1))
    if words.strip():
        deliver((talk.channel, text("wamid.talk", words, NOW)))
    assert code(talk, MARKETING) == ""


@pytest.mark.clause("4c")
def test_a_newer_yes_lifts_a_no_for_its_topic_alone(talk, attested):
    said(talk, "all", False, NOW - timedelta(hours=2), "spoken")
    said(talk, "utility", True, NOW - timedelta(hours=3))
    assert code(talk, UTILITY) == "opted_out"
    said(talk, "utility", True, NOW - timedelta(hours=1))
    assert code(talk, UTILITY) == "" and code(talk, MARKETING) == "opted_out"


@pytest.mark.clause("4c")
def test_meta_178_the_ledger_is_append_only_sealed_and_goes_with_the_person_while_the_no_stays(talk, attested):
    said(talk, "marketing", True, NOW - timedelta(hours=2))
    said(talk, "all", False, NOW - timedelta(hours=1), "spoken")
    workspace_id, old = talk.workspace_id, talk.contact_id
    with workspace_scope(workspace_id), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT wording::text FROM conversations_optin")
            assert not any("write to me" in row[0] for row in cursor.fetchall())
        for sql in ("UPDATE conversations_optin SET topic = 'x'", "UPDATE conversations_optin SET is_granted = true"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)
        Message.objects.all().delete()
        Conversation.objects.all().delete()
        counts = personal_data._erase_contacts(workspace_id, None, [old])
        assert counts["opt_ins"] == 2 and not OptIn.objects.exists()
        assert set(OptOut.objects.values_list("topic", flat=True)) == {"all"}
    deliver((talk.channel, text("wamid.new", "hello again", NOW)))
    with workspace_scope(workspace_id), transaction.atomic():
        back = Conversation.objects.select_related("channel", "contact").get()
        assert back.contact_id != old
    assert code(back, UTILITY) == code(back, MARKETING) == "opted_out"
    said(back, "utility", True, NOW)
    assert code(back, UTILITY) == ""


@pytest.mark.clause("4c")
def test_the_page_records_withdraws_and_attests_and_keeps_who_and_when(talk, workspace, member, client_of):
    base = f"/w/{workspace.slug}/inbox/{talk.pk}/"
    form = {
        "topic": "marketing",
        "source": "website",
        "wording": "Send me news",
        "at": "2026-01-02T10:00",
        "proof": "F-7",
    }
    assert client_of.post(f"{base}opt-ins/", form).status_code == 302
    page = client_of.get(base).content.decode()
    assert "Send me news" in page and "F-7" in page and "News and offers" in page
    settings_page = f"/w/{workspace.slug}/settings/opt-ins/"
    assert "Not confirmed" in client_of.get(settings_page).content.decode()
    client_of.post(f"{settings_page}attest/")
    assert code(talk, MARKETING) == "attestation_missing"
    client_of.post(f"{settings_page}attest/", {"confirm": "1"})
    assert code(talk, MARKETING) == ""
    assert member.user.name in client_of.get(settings_page).content.decode()
    with workspace_scope(workspace.pk), transaction.atomic():
        statement = TermsAcceptance.objects.get(document="opt-in")
        assert statement.accepted_by_id == member.pk and statement.sha256 == policies.current("opt-in").sha256
        entry = OptIn.objects.get()
        assert (entry.recorded_by_id, entry.proof, entry.source) == (member.pk, "F-7", "website")
    assert client_of.post(f"{base}opt-ins/withdraw/", {"topic": "marketing"}).status_code == 302
    assert code(talk, MARKETING) == "opted_out"


@pytest.mark.parametrize(
    "wrong",
    [
        {"wording": ""}, {"topic": "all"}, {"source": "word"}, {"source": "platform"}, {"at": "2999-01-01T00:00"},
        {"at": "x"},
    ],
)  # fmt: skip
def test_an_opt_in_without_words_time_or_way_is_refused_and_nothing_written(talk, workspace, client_of, wrong):
    form = {"topic": "marketing", "source": "website", "wording": "Yes", "at": "2026-01-02T10:00"} | wrong
    answer = client_of.post(f"/w/{workspace.slug}/inbox/{talk.pk}/opt-ins/", form)
    assert answer.status_code == 422 and '<details class="more" open>' in answer.content.decode()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not OptIn.objects.exists()


def test_a_viewer_records_nothing(talk, workspace):
    client = Client()
    client.force_login(join(workspace, Role.VIEWER), BACKEND)
    base = f"/w/{workspace.slug}/inbox/{talk.pk}/"
    for path in ("opt-ins/", "opt-ins/withdraw/", "block/", "unblock/", "confirm/"):
        assert client.post(base + path, {"topic": "marketing"}).status_code == 403
    assert client.post(f"/w/{workspace.slug}/settings/opt-ins/attest/", {"confirm": "1"}).status_code == 403
    assert "They want no more" not in client.get(base).content.decode()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not OptIn.objects.exists() and not TermsAcceptance.objects.filter(document="opt-in").exists()


# The API.


@pytest.fixture
def api(workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        _, secret = ApiKey.issue("k", ["conversations.view", "contacts.manage", "conversations.reply"], None)

    def call(method: str, path: str, body: object = None, **headers: str):
        given = {"Authorization": f"Bearer {secret}"} | headers
        return Client().generic(
            method, f"/api/v1/{path}", "" if body is None else json.dumps(body),
            content_type="application/json", headers=given,
        )  # fmt: skip

    return call


YES = {
    "provider": "whatsapp",
    "topic": "marketing",
    "source": "website",
    "wording": "Yes",
    "at": "2026-01-02T10:00:00Z",
}


@pytest.mark.clause("4c")
def test_an_integrator_adds_a_contact_records_and_withdraws(talk, attested, api, workspace):
    made = api(
        "POST",
        "contacts/",
        {"provider": "whatsapp", "handle": "+351 912 345 678", "name": "Ada"},
        **{"Idempotency-Key": "a"},
    )
    again_ = api(
        "POST",
        "contacts/",
        {"provider": "whatsapp", "handle": "+351 912 345 678", "name": "Ada"},
        **{"Idempotency-Key": "a"},
    )
    assert made.status_code == again_.status_code == 201 and made.json() == again_.json()
    contact = made.json()
    assert contact["name"] == "Ada" and "912345" not in made.content.decode()
    assert api("POST", "contacts/", {"provider": "whatsapp", "handle": "351912345678"}).status_code == 409
    for given in ("+351912345678", "351 912 345 678"):
        found = api("GET", f"contacts/?handle={given.replace('+', '%2B')}").json()["results"]
        assert [each["id"] for each in found] == [contact["id"]]
    assert api("GET", "contacts/?handle=351912345679").json()["results"] == []
    url = f"contacts/{contact['id']}/opt-ins/"
    assert api("POST", url, YES | {"proof": "https://shop.example/log/7"}).status_code == 201
    with workspace_scope(workspace.pk), transaction.atomic():
        who = Contact.objects.get(pk=contact["id"])
        facts = policy.facts_about(talk.channel, [who.pk])[who.pk]
        assert policy.decide(facts, ROBOT, MARKETING).refused is None
    assert (
        api("POST", url, YES | {"topic": "all", "is_granted": False, "at": "2026-02-02T10:00:00Z"}).status_code == 201
    )
    with workspace_scope(workspace.pk), transaction.atomic():
        facts = policy.facts_about(talk.channel, [who.pk])[who.pk]
        assert policy.decide(facts, ROBOT, MARKETING).refused.code == "opted_out"
    assert [each["is_granted"] for each in api("GET", url).json()["results"]] == [False, True]
    assert api("PATCH", f"contacts/{contact['id']}/", {"name": "Ada Lovelace"}).json()["name"] == "Ada Lovelace"
    assert {each["id"] for each in api("GET", "contacts/").json()["results"]} == {contact["id"], str(talk.contact_id)}


@pytest.mark.parametrize(
    "body",
    [
        YES | {"topic": "all"}, YES | {"topic": "x"}, YES | {"at": "2999-01-01T00:00:00Z"}, YES | {"source": "platform"},
        YES | {"wording": ""}, YES | {"wording": "\ud800"}, YES | {"provider": "x"}, {}, [],
    ],
)  # fmt: skip
def test_a_bad_opt_in_is_a_bad_request_and_nothing_is_written(talk, api, body, workspace):
    assert api("POST", f"contacts/{talk.contact_id}/opt-ins/", body).status_code == 400
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not OptIn.objects.exists()


@pytest.mark.parametrize("handle", ["", "abc", "12", "+49\x00", "+" + "1" * 40, "DE.123"])
def test_a_contact_without_a_number_is_a_bad_request(talk, api, handle):
    assert api("POST", "contacts/", {"provider": "whatsapp", "handle": handle}).status_code == 400


def test_foreign_contacts_are_not_found(talk, api, other):
    with workspace_scope(other.pk), transaction.atomic():
        stranger = Contact.objects.create()
    for method, path in (("GET", ""), ("PATCH", ""), ("GET", "opt-ins/"), ("POST", "opt-ins/")):
        assert api(method, f"contacts/{stranger.pk}/{path}", YES if method == "POST" else {}).status_code == 404


def test_a_key_that_is_limited_to_channels_adds_no_contact(talk, workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        _, secret = ApiKey.issue("k", ["contacts.manage"], None, channel_ids=[talk.channel_id])
        before = Contact.objects.count()
    answer = Client().post(
        "/api/v1/contacts/", {"provider": "whatsapp", "handle": "+351912345678"}, content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip
    assert answer.status_code == 403
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Contact.objects.count() == before and Handle.objects.count() == 1


def test_after_a_stop_a_person_may_answer_and_a_key_may_not(talk, member, key):
    deliver((talk.channel, text("wamid.stop", "stop", datetime.now(UTC))))
    with workspace_scope(talk.workspace_id):
        with pytest.raises(Refused) as refused:
            replies.send_reply(talk, "But wait", Actor.api_key(key.pk))
        assert refused.value.code == "opted_out"
        assert replies.send_reply(talk, "Understood.", Actor.member(Membership.of_user(member.user)[0]))
