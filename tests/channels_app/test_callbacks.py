"""Meta's callbacks: data deletion and deauthorisation (providers/whatsapp.md 17)."""

import base64
import hashlib
import hmac
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app import jobs
from channels_app.models import Channel, ChannelLogin, ChannelNotice
from channels_app.records import user_hash
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy.models import DataRequest
from tests.conversations.webhooks import connect

VECTOR = (
    "Os4zBNNxxtkOh5NklRsfdwhjHYySMvuRSw8T_aGVdrI.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV4cGlyZXMiOjE3OTUwMDM2MDAsImlz"
    "c3VlZF9hdCI6MTc5NTAwMDAwMCwidXNlcl9pZCI6IjcwMDAwMDAwMDAwMDA0MiJ9"
)
USER = "700000000000042"
SECRET, IG_SECRET = "omnistra-meta-test-secret", "omnistra-ig-test-secret"
DELETION, DEAUTHORIZE = "/meta/data-deletion/", "/meta/deauthorize/"


def signed(payload: object, secret: str = SECRET, over: bytes | None = None) -> str:
    """A signed_request; `over` is what is signed instead of the encoded payload."""
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    signature = hmac.digest(secret.encode(), over or body, hashlib.sha256)
    return (base64.urlsafe_b64encode(signature).rstrip(b"=") + b"." + body).decode()


def request_of(user_id: str, secret: str = SECRET) -> str:
    return signed({"algorithm": "HMAC-SHA256", "user_id": user_id}, secret)


def logged_in(workspace, channel: Channel, user_id: str = USER, app: str = "meta") -> None:
    with workspace_scope(workspace.pk):
        ChannelLogin.objects.create(channel=channel, app=app, user_id=user_id, user_hash=user_hash(app, user_id))


def requests() -> list[DataRequest]:
    with system_scope("test"):
        return list(DataRequest.objects.order_by("received_at"))


def state(workspace) -> dict[str, tuple[str, bool]]:
    with workspace_scope(workspace.pk):
        return {each.external_id: (each.status, each.credentials is None) for each in Channel.objects.all()}


@pytest.mark.clause("4e", "4d")
def test_meta_170_the_vector_is_answered_and_the_page_of_its_state_shows_nothing_personal(client, workspace):
    channel = connect(workspace)
    logged_in(workspace, channel)
    answer = client.post(DELETION, {"signed_request": VECTOR})
    body = answer.json()
    assert answer.status_code == 200 and set(body) == {"url", "confirmation_code"}
    [asked] = requests()
    assert body["confirmation_code"] == asked.code and asked.code in body["url"] and len(asked.code) > 20
    path = "/" + body["url"].split("/", 3)[3]
    page = client.get(path).content.decode()
    assert (
        "Being carried out" in page
        and USER not in page
        and "Northwind" not in page
        and "independent controller" in page
    )
    jobs.carry_out_requests()
    assert state(workspace) == {channel.external_id: ("disconnected", True)}
    page = client.get(path).content.decode()
    assert "Done" in page and "is deleted" in page and USER not in page
    [asked] = requests()
    assert asked.subject_hash is None and asked.erased == 1
    with workspace_scope(workspace.pk):
        assert not ChannelLogin.objects.exists()


def test_meta_171_the_same_request_twice_is_one_and_after_its_end_a_new_one(client, workspace):
    codes = [client.post(DELETION, {"signed_request": VECTOR}).json()["confirmation_code"] for _ in range(3)]
    assert len(set(codes)) == 1 and len(requests()) == 1
    jobs.carry_out_requests()
    again = client.post(DELETION, {"signed_request": VECTOR}).json()["confirmation_code"]
    assert again != codes[0] and len(requests()) == 2
    assert client.get(f"/privacy/requests/{codes[0]}/").status_code == 200


PAYLOAD = {"algorithm": "HMAC-SHA256", "user_id": USER}
WRONG = {
    "signed over the decoded payload": signed(PAYLOAD, over=json.dumps(PAYLOAD).encode()),
    "wrong secret": signed(PAYLOAD, "another-secret"),
    "signed by the Instagram app": signed(PAYLOAD, IG_SECRET),
    "no algorithm": signed({"user_id": USER}),
    "algorithm none": signed({"algorithm": "none", "user_id": USER}),
    "no user": signed({"algorithm": "HMAC-SHA256"}),
    "a user that is no id": signed({"algorithm": "HMAC-SHA256", "user_id": "../x"}),
    "not an object": signed(["HMAC-SHA256"]),
    "no dot": VECTOR.replace(".", ""),
    "two dots": VECTOR + ".x",
    "no base64": "%%%." + VECTOR.split(".")[1],
    "not ascii": "ü." + VECTOR.split(".")[1],
    "too long": VECTOR + "A" * 9000,
    "empty": "",
}


@pytest.mark.clause("4e")
@pytest.mark.parametrize("address", [DELETION, DEAUTHORIZE])
@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
def test_meta_172_what_the_app_did_not_sign_creates_nothing(client, workspace, address, given):
    logged_in(workspace, connect(workspace))
    assert client.post(address, {"signed_request": given}).status_code == 400
    assert not requests()
    assert [status for status, _ in state(workspace).values()] == ["active"]


@pytest.mark.parametrize("address", [DELETION, DEAUTHORIZE])
def test_meta_172_a_get_is_refused(client, db, address):
    assert client.get(address, {"signed_request": VECTOR}).status_code == 400
    assert not requests()


def test_meta_173_a_stranger_gets_the_same_answer_by_the_same_queries(client, workspace):
    logged_in(workspace, connect(workspace))
    counts = []
    for user in ("999", USER):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.post(DELETION, {"signed_request": request_of(user)})
        assert answer.status_code == 200 and answer.json()["confirmation_code"]
        counts.append([query["sql"].split()[0] for query in queries])
    assert counts[0] == counts[1]
    jobs.carry_out_requests()
    page = client.get(f"/privacy/requests/{requests()[0].code}/").content.decode()
    assert "Nothing was stored" in page


def test_meta_174_an_instagram_request_hits_the_instagram_channels_of_that_login_alone(client, workspace):
    number, account = connect(workspace), connect(workspace, "17841400000000901", "17841400000000901")
    logged_in(workspace, number, app="meta")
    logged_in(workspace, account, app="instagram")
    answer = client.post("/meta/instagram/data-deletion/", {"signed_request": request_of(USER, IG_SECRET)})
    assert answer.status_code == 200
    jobs.carry_out_requests()
    assert state(workspace) == {number.external_id: ("active", False), account.external_id: ("disconnected", True)}


@pytest.mark.clause("4e")
def test_meta_175_deauthorising_ends_what_that_person_connected_and_nothing_else(client, workspace, other, mailoutbox):
    mine, theirs = connect(workspace), connect(workspace, "210000000000502")
    elsewhere = connect(other, "210000000000777", "310000000000202")
    logged_in(workspace, mine)
    logged_in(workspace, theirs, "700000000000077")
    logged_in(other, elsewhere, "700000000000077")
    for _ in range(2):
        assert client.post(DEAUTHORIZE, {"signed_request": VECTOR}).status_code == 200
    jobs.carry_out_requests()
    jobs.tell_notices()
    assert state(workspace) == {mine.external_id: ("disconnected", True), theirs.external_id: ("active", False)}
    assert [status for status, _ in state(other).values()] == ["active"]
    assert client.post(DEAUTHORIZE, {"signed_request": VECTOR}).status_code == 200
    jobs.carry_out_requests()
    jobs.tell_notices()
    with workspace_scope(workspace.pk):
        assert ChannelNotice.objects.filter(kind="login_taken_back").count() == 1
    assert [mail.to for mail in mailoutbox] == [["ines@northwind.example"]]
    assert "took the app's access back" in mailoutbox[0].body


def test_meta_176_a_webhook_after_deauthorising_is_not_stored(client, workspace):
    from django.utils import timezone

    from conversations.models import Message
    from tests.conversations.webhooks import deliver, text

    channel = connect(workspace)
    logged_in(workspace, channel)
    client.post(DEAUTHORIZE, {"signed_request": VECTOR})
    jobs.carry_out_requests()
    deliver((channel, text("wamid.LATE", "Hello?", timezone.now())))
    with workspace_scope(workspace.pk):
        assert not Message.objects.exists()


def test_an_unknown_code_is_not_found(client, db):
    assert client.get("/privacy/requests/dr-nothing/").status_code == 404
