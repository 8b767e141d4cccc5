"""Identifiers are masked for everybody; who may asks for one, and that is recorded before it is shown."""

import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import ApiKey, AuditEntry, Membership
from accounts.roles import Permission, Role
from conversations import masking
from conversations.models import Contact, Conversation, Handle
from omnistra.core import keyring
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join
from tests.conversations.webhooks import LENA, connect, deliver, text

NOW = datetime.now(UTC)
SHOWN, MASKED = f"+{LENA}", "+49 ••• ••33"
# ITU Operational Bulletin, list of assigned E.164 country codes.
COUNTRY_CODES = """
1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84
86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236
237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265
266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378
379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595
596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850
852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976
977 979 992 993 994 995 996 998
"""


def test_every_country_code_is_told_from_the_number_that_follows():
    codes = COUNTRY_CODES.split()
    assert len(codes) > 200
    for code in codes:
        for rest in ("0000000034", "1234567834", "9999999934"):
            assert masking.number(code + rest) == f"+{code} ••• ••34"


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("4915228817386", "+49 152 2881 7386"),
        ("+12125550123", "+1 212 555 0123"),
        ("351910000321", "+351 910 000 321"),
        ("290222", "+290 222"),
        ("2902", "+2902"),
        ("0170123", "+0170123"),
        ("", "+"),
    ],
)
def test_a_revealed_number_can_be_read_aloud(digits, spoken):
    assert masking.phone(digits) == spoken


@pytest.mark.parametrize("digits", ["", "0", "491234", "0170123456", "12"])
def test_what_is_no_international_number_shows_nothing_of_itself(digits):
    assert masking.number(digits) == "+•• ••• ••••"


@given(st.text(alphabet="0123456789", min_size=7, max_size=15))
def test_a_masked_number_shows_a_country_and_two_digits_at_most(digits):
    masked = masking.number(digits)
    assert re.fullmatch(r"\+(\d{1,3} ••• ••\d\d|•• ••• ••••)", masked)
    assert len(re.sub(r"\D", "", masked)) <= 5


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("wa_id", LENA, MASKED),
        ("bsuid", "US.13491208655302741918", "••••18"),
        ("bsuid", "US.1", "••••"),
        ("username", "lena.fields", "@l••••"),
        ("username", "ab", "@••••"),
    ],
)
def test_each_kind_of_handle_has_its_mask(kind, value, masked):
    assert masking.handle(kind, value) == masked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Lena Fields", "Lena Fields"),
        ("+49 170 1112233", MASKED),
        ("491701112233", MASKED),
        (" +49 (170) 111-22-33 ", MASKED),
        ("0170 1112233", "+•• ••• ••••"),
        ("@lena.fields", "@l••••"),
        ("@", "@"),
        ("Room 101", "Room 101"),
        ("Agent 007", "Agent 007"),
        ("1979", "1979"),
        ("", ""),
    ],
)
def test_a_name_that_is_a_handle_is_masked_like_one(name, shown):
    assert masking.name(name) == shown


@pytest.fixture
def conversation(workspace) -> Conversation:
    """Lena, who gave no name, wrote."""
    deliver((connect(workspace), text("wamid.1", "My other number is 0170 999", NOW, name="")))
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.get()


def _signed_in(workspace, role: Role) -> Client:
    client = Client()
    client.force_login(join(workspace, role))
    return client


def _handle(workspace) -> Handle:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Handle.objects.get()


def _revealed(workspace) -> list[AuditEntry]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(AuditEntry.objects.filter(action="identifier.revealed"))


@pytest.mark.clause("12a")
@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER, Role.PRIVACY_OFFICER])
def test_no_page_shows_an_identifier_that_was_not_asked_for(workspace, conversation, role):
    client = _signed_in(workspace, role)
    for address in ("", "?part=list", f"{conversation.pk}/", f"{conversation.pk}/?part=thread", "?part=views"):
        page = client.get(f"/w/northwind/inbox/{address}").content.decode()
        assert LENA not in page and LENA[2:] not in page
    page = client.get(f"/w/northwind/inbox/{conversation.pk}/").content.decode()
    assert page.count(MASKED) >= 4  # list, title, head, panel
    assert "0170 999" in page  # what people write is theirs
    assert ("A reveal is recorded" in page) == (role != Role.VIEWER)


@pytest.mark.clause("12a")
@pytest.mark.parametrize("script", [False, True])
def test_a_reveal_is_recorded_and_shown_in_its_answer_alone(workspace, conversation, script):
    client, handle = _signed_in(workspace, Role.AGENT), _handle(workspace)
    headers = {"HX-Request": "true"} if script else {}
    address = f"/w/northwind/inbox/{conversation.pk}/"
    answer = client.post(f"{address}reveal/?view=mine", {"handle": str(handle.pk)}, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert ">+49 170 111 2233<" in page and f'data-copy="{SHOWN}"' in page
    assert ("<html" in page) != script
    (entry,) = _revealed(workspace)
    with workspace_scope(workspace.pk):
        member = Membership.objects.get(role=Role.AGENT)
    assert (entry.actor_kind, entry.actor_id, entry.target_id, entry.fields) == ("member", member.pk, handle.pk, [])
    page = client.get(address).content.decode()
    assert MASKED in page and SHOWN not in page and "111 2233" not in page
    assert client.get(f"{address}reveal/").status_code == 405


@pytest.mark.clause("12a")
def test_without_the_permission_nothing_is_shown_and_nothing_recorded(workspace, conversation):
    answer = _signed_in(workspace, Role.VIEWER).post(
        f"/w/northwind/inbox/{conversation.pk}/reveal/", {"handle": str(_handle(workspace).pk)}
    )
    assert answer.status_code == 403 and LENA not in answer.content.decode()
    assert _revealed(workspace) == []


def test_revealing_needs_reading_too(workspace, conversation, monkeypatch):
    """The custom role of this test may reveal and may not read."""
    client = _signed_in(workspace, Role.VIEWER)
    monkeypatch.setattr(Membership, "may", lambda self, permission: permission == "identifiers.reveal")
    form = {"handle": str(_handle(workspace).pk)}
    assert client.post(f"/w/northwind/inbox/{conversation.pk}/reveal/", form).status_code == 403
    assert _revealed(workspace) == []


@pytest.mark.clause("12a")
@pytest.mark.parametrize("wrong", ["", "x", "another person's", "00000000-0000-7000-8000-000000000000"])
def test_only_a_handle_of_the_conversations_contact_is_revealed(workspace, conversation, wrong):
    with workspace_scope(workspace.pk), transaction.atomic():
        stranger = Contact.objects.create()
        keyring.contact_keys(workspace.pk, {stranger.pk})
        row = Handle.objects.create(
            contact=stranger, provider="whatsapp", kind="wa_id", value="447700900142", value_hash=b"0" * 16
        )
    wrong = str(row.pk) if wrong.startswith("another") else wrong
    client = _signed_in(workspace, Role.AGENT)
    answer = client.post(f"/w/northwind/inbox/{conversation.pk}/reveal/", {"handle": wrong})
    assert answer.status_code == 404
    assert _revealed(workspace) == []


def test_an_erased_contacts_handle_is_not_found_and_not_recorded(workspace, conversation):
    handle = _handle(workspace)
    keyring.destroy_contact_keys(workspace.pk, [conversation.contact_id])
    client = _signed_in(workspace, Role.AGENT)
    form = {"handle": str(handle.pk)}
    assert client.post(f"/w/northwind/inbox/{conversation.pk}/reveal/", form).status_code == 404
    assert _revealed(workspace) == []


def _key(workspace, *scopes: Permission) -> Client:
    with workspace_scope(workspace.pk), transaction.atomic():
        _, secret = ApiKey.issue("Test", list(map(str, scopes)), None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.clause("12a")
def test_by_api_a_reveal_needs_its_scope_and_is_recorded(committed, workspace, conversation):
    address = f"/api/v1/contacts/{conversation.contact_id}/reveal/"
    others = [each for each in Permission if each != Permission.IDENTIFIERS_REVEAL]
    refused = _key(workspace, *others).post(address)
    assert refused.status_code == 403 and LENA not in refused.content.decode()
    assert _revealed(workspace) == []
    handle = _handle(workspace)
    answer = _key(workspace, Permission.IDENTIFIERS_REVEAL).post(address)
    assert answer.json() == {
        "identifiers": [{"id": str(handle.pk), "provider": "whatsapp", "kind": "wa_id", "value": SHOWN}]
    }
    assert [(each.actor_kind, each.target_id) for each in _revealed(workspace)] == [("api_key", handle.pk)]


@pytest.mark.clause("12a")
def test_what_the_api_tells_of_conversations_and_messages_holds_no_identifier(committed, workspace, conversation):
    client = _key(workspace, Permission.CONVERSATIONS_VIEW, Permission.CONVERSATIONS_REPLY)
    base = f"/api/v1/conversations/{conversation.pk}/"
    messages = client.get(f"{base}messages/")
    message = messages.json()["results"][0]["id"]
    answers = [
        client.get("/api/v1/conversations/"),
        client.get(base),
        messages,
        client.get(f"/api/v1/messages/{message}/"),
    ]
    body = {"channel": str(conversation.channel_id), "to": SHOWN, "text": "Found by the number"}
    answers.append(client.post("/api/v1/messages/", body, content_type="application/json"))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 201]
    for answer in answers:
        assert LENA not in answer.content.decode()
