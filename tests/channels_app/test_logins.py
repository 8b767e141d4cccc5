"""Connecting by signing in at the platform: the whole way, through the pages, against the stand-in."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.roles import Role
from channels_app import jobs
from channels_app.login import flows
from channels_app.models import Channel, ChannelLogin, LoginAttempt, OwnApp
from channels_app.sandbox import directory, world
from channels_app.sandbox import login as platform
from omnistra.core.tenancy import workspace_scope
from privacy.models import TermsAcceptance
from tests.channels_app.login import IG, PAGE, meta, platforms, redirect  # noqa: F401  (fixtures)
from tests.conftest import join

BASE = "/w/northwind/settings/channels/"
BACK = "/channels/login/"
PAGE_SCOPES = ["pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement"]
IG_SCOPES = ["instagram_business_basic", "instagram_business_manage_messages"]
NUMBER, WABA = "210000000000501", "310000000000101"

pytestmark = pytest.mark.usefixtures("meta", "platforms")


def begin(client, flow: str, slug: str = "northwind") -> str:
    """Begin; gives the state that went to the platform."""
    answer = client.post(f"/w/{slug}/settings/channels/connect/{flow}/", {"terms_accepted": "on"})
    assert answer.status_code == 302, answer.content.decode()
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["redirect_uri"] == [redirect()]
    return query["state"][0]


def agree(client, flow: str, scopes: list[str]):
    """Begin, agree to the scopes, come back; gives the answer to coming back."""
    state = begin(client, flow)
    code = platform.issue_code("instagram" if flow == "instagram" else "meta", scopes)
    return client.get(BACK, {"code": code + ("#_" if flow == "instagram" else ""), "state": state})


def channels(workspace) -> list[Channel]:
    with workspace_scope(workspace.pk):
        return list(Channel.objects.order_by("created_at"))


def said(client, answer) -> str:
    return client.get(answer["Location"]).content.decode()


def business(registered: int = 1, **more: str) -> None:
    directory.create_business(
        waba_id=WABA,
        phone_number_id=NUMBER,
        display_phone_number="+49 30 12345678",
        verified_name="Northwind Tea",
        **more,
    )
    with world.write() as db:
        db.execute("UPDATE numbers SET registered = ?", (registered,))


@pytest.mark.clause("4-0", "4e")
def test_nobody_signs_in_before_the_terms_are_accepted(client, owner, workspace):
    client.force_login(owner)
    page = client.get(f"{BASE}connect/messenger/").content.decode()
    assert "controller of its own" in page and "pages_messaging" in page
    answer = client.post(f"{BASE}connect/messenger/")
    assert answer.status_code == 422 and "Accept the data processing terms" in answer.content.decode()
    with workspace_scope(workspace.pk):
        assert not TermsAcceptance.objects.exists() and not LoginAttempt.objects.exists()
    begin(client, "messenger")
    with workspace_scope(workspace.pk):
        acceptance = TermsAcceptance.objects.get()
        assert acceptance.accepted_by is not None and acceptance.version
    policy = client.get(f"{BASE}connect/messenger/")["Content-Security-Policy"]
    assert "form-action" in policy and "unsafe" not in policy


@pytest.mark.clause("2d")
def test_several_pages_are_connected_at_once_and_no_token_is_in_any_page_or_in_plain(client, owner, workspace):
    token = platform.create_page(page_id=PAGE, name="Northwind Tea")
    platform.create_page(page_id="110000000000902", name="Northwind Coffee")
    platform.create_page(page_id="110000000000903", name="Somebody's", tasks=("ANALYZE",))
    client.force_login(owner)
    answer = agree(client, "messenger", PAGE_SCOPES)
    assert answer.status_code == 302 and f"{BASE}login/" in answer["Location"]
    page = said(client, answer)
    assert "Northwind Coffee" in page and token not in page
    assert "You lack the right to answer messages (MESSAGING)" in page
    chosen = [PAGE, "110000000000902", "110000000000903"]
    done = client.post(answer["Location"], {"channel": chosen})
    assert "lack the right" in done.content.decode() and token not in done.content.decode()
    connected = channels(workspace)
    assert [each.external_id for each in connected] == [PAGE, "110000000000902"]
    assert connected[0].credentials["token"] == token and connected[0].account_id == PAGE
    with workspace_scope(workspace.pk):
        assert {each.user_id for each in ChannelLogin.objects.all()} == {platform.PERSON}
        assert not LoginAttempt.objects.exists()
    assert set(platform.subscription(PAGE))
    assert client.post(answer["Location"], {"channel": [PAGE]}).status_code == 404  # used


def test_scopes_that_were_not_given_are_named(client, owner, workspace):
    platform.create_page(page_id=PAGE, name="Northwind Tea")
    client.force_login(owner)
    answer = agree(client, "messenger", ["pages_show_list", "pages_read_engagement", "pages_manage_metadata"])
    page = said(client, answer)
    assert "These rights were not given" in page and "(pages_messaging)" in page and "(pages_show_list)" not in page
    assert not channels(workspace)


def test_who_refuses_at_the_platform_reads_that_nothing_was_connected(client, owner, workspace):
    client.force_login(owner)
    answer = client.get(BACK, {"error": "access_denied", "state": begin(client, "messenger")})
    assert "Nothing was connected" in said(client, answer) and not channels(workspace)


@pytest.mark.clause("3b")
def test_a_state_is_good_once_in_its_own_session_and_for_its_own_workspace(client, owner, workspace, other):
    platform.create_page(page_id=PAGE, name="Northwind Tea")
    client.force_login(owner)
    state = begin(client, "messenger")
    thief = type(client)()
    thief.force_login(join(workspace, Role.ADMIN))
    code = platform.issue_code("meta", PAGE_SCOPES)
    assert thief.get(BACK, {"code": code, "state": state}).status_code == 400
    assert client.get(BACK, {"code": code, "state": "made-up"}).status_code == 400
    first = client.get(BACK, {"code": code, "state": state})
    assert first.status_code == 302 and "/w/northwind/" in first["Location"]
    again = client.get(BACK, {"code": platform.issue_code("meta", PAGE_SCOPES), "state": state})
    assert again.status_code == 400 and "This login is over" in again.content.decode()
    assert thief.get(first["Location"]).status_code == 404  # another member's login
    assert client.get(first["Location"].replace("northwind", "elsewhere")).status_code == 404


def test_a_code_that_is_too_old_or_used_leads_to_words(client, owner, workspace):
    client.force_login(owner)
    code = platform.issue_code("meta", PAGE_SCOPES)
    with world.write() as db:
        db.execute("UPDATE codes SET until = 0")
    answer = client.get(BACK, {"code": code, "state": begin(client, "messenger")})
    assert "expired or has been used" in said(client, answer)


def test_meta_148_and_169_an_instagram_account_keeps_its_exact_digits(client, owner, workspace):
    client.force_login(owner)
    answer = agree(client, "instagram", IG_SCOPES)
    client.post(answer["Location"], {"channel": [IG]})
    [channel] = channels(workspace)
    assert channel.external_id == channel.account_id == "17841400000004101"
    assert channel.credentials["expires_at"] > channel.credentials["issued_at"]
    with workspace_scope(workspace.pk):
        login = ChannelLogin.objects.get()
        assert (login.app, login.user_id) == ("instagram", "27400000004101")


def test_meta_169_without_the_right_to_messages_nothing_is_connected_and_no_token_is_kept(client, owner, workspace):
    client.force_login(owner)
    answer = agree(client, "instagram", ["instagram_business_basic"])
    page = said(client, answer)
    assert "(instagram_business_manage_messages)" in page and not channels(workspace)
    with workspace_scope(workspace.pk):
        assert [each.found for each in LoginAttempt.objects.all()] == [None]


def test_meta_168_the_same_account_by_the_other_flavour_is_refused(client, owner, workspace):
    platform.create_page(page_id=PAGE, name="Northwind Tea", account=IG, username="northwind.tea")
    platform.create_page(page_id="110000000000902", name="Without Instagram")
    client.force_login(owner)
    client.post(agree(client, "instagram", IG_SCOPES)["Location"], {"channel": [IG]})
    scopes = [*PAGE_SCOPES, "instagram_basic", "instagram_manage_messages"]
    answer = agree(client, "instagram-page", scopes)
    page = said(client, answer)
    assert "Connected here already" in page and "No Instagram account is linked" in page
    done = client.post(answer["Location"], {"channel": [IG]})
    assert done.status_code == 422 and len(channels(workspace)) == 1


def test_an_account_by_its_page_keeps_the_page(client, owner, workspace):
    token = platform.create_page(page_id=PAGE, name="Northwind Tea", account=IG, username="northwind.tea")
    client.force_login(owner)
    answer = agree(client, "instagram-page", [*PAGE_SCOPES, "instagram_basic", "instagram_manage_messages"])
    client.post(answer["Location"], {"channel": [IG]})
    [channel] = channels(workspace)
    assert (channel.external_id, channel.account_id) == (IG, PAGE)
    assert channel.credentials == {"token": token, "page_id": PAGE}


@pytest.mark.clause("3b")
def test_meta_144_a_page_of_another_workspace_is_refused_with_words(client, owner, workspace, other):
    platform.create_page(page_id=PAGE, name="Northwind Tea")
    with workspace_scope(other.pk):
        Channel.objects.create(provider="messenger", external_id=PAGE, account_id=PAGE, name="Theirs", credentials={})
    client.force_login(owner)
    answer = agree(client, "messenger", PAGE_SCOPES)
    done = client.post(answer["Location"], {"channel": [PAGE]})
    page = done.content.decode()
    assert done.status_code == 422 and "connected to another workspace" in page and "Elsewhere" not in page
    assert not channels(workspace)


def test_a_number_is_connected_by_embedded_signup_and_registered_with_a_pin_shown_once(client, owner, workspace):
    business(registered=0)
    client.force_login(owner)
    state_address = client.post(f"{BASE}connect/whatsapp/", {"terms_accepted": "on"})["Location"]
    query = parse_qs(urlsplit(state_address).query)
    assert query["config_id"] and json.loads(query["extras"][0]) == {"setup": {}}
    code = platform.issue_code("meta", list(platform.SIGNUP_SCOPES))
    answer = client.get(BACK, {"code": code, "state": query["state"][0]})
    assert "a new PIN" in said(client, answer)
    done = client.post(answer["Location"], {"channel": [NUMBER]})
    [channel] = channels(workspace)
    pin = world.row("SELECT pin FROM numbers WHERE phone_number_id = ?", NUMBER)["pin"]
    assert len(pin) == 6 and pin in done.content.decode() and channel.credentials["pin"] == pin
    assert pin not in client.get(f"{BASE}{channel.pk}/").content.decode()
    assert world.row("SELECT subscribed FROM businesses WHERE waba_id = ?", WABA)["subscribed"] == 1


def test_a_number_with_a_pin_of_its_own_says_what_to_do(client, owner, workspace):
    business(registered=0)
    with world.write() as db:
        db.execute("UPDATE numbers SET pin = '111111'")
    client.force_login(owner)
    answer = agree(client, "whatsapp", list(platform.SIGNUP_SCOPES))
    done = client.post(answer["Location"], {"channel": [NUMBER]})
    assert "already has a PIN" in done.content.decode() and not channels(workspace)


def test_a_number_that_is_served_already_is_not_registered_again(client, owner, workspace):
    business()
    client.force_login(owner)
    answer = agree(client, "whatsapp", list(platform.SIGNUP_SCOPES))
    assert client.post(answer["Location"], {"channel": [NUMBER]}).status_code == 302
    assert "pin" not in channels(workspace)[0].credentials


def test_choosing_nothing_connects_nothing(client, owner, workspace):
    platform.create_page(page_id=PAGE, name="Northwind Tea")
    client.force_login(owner)
    answer = agree(client, "messenger", PAGE_SCOPES)
    assert client.post(answer["Location"]).status_code == 422 and not channels(workspace)


def test_a_login_that_is_not_ended_is_forgotten_with_its_tokens(client, owner, workspace):
    from datetime import timedelta

    from django.utils import timezone

    platform.create_page(page_id=PAGE, name="Northwind Tea")
    client.force_login(owner)
    answer = agree(client, "messenger", PAGE_SCOPES)
    with workspace_scope(workspace.pk):
        LoginAttempt.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert client.get(answer["Location"]).status_code == 404
    jobs.forget_logins()
    with workspace_scope(workspace.pk):
        assert not LoginAttempt.objects.exists()


def test_without_an_app_the_page_says_so(client, owner, workspace, settings):
    settings.META_APP_SECRET = ""
    client.force_login(owner)
    assert "not set up here" in client.get(f"{BASE}connect/messenger/").content.decode()
    answer = client.post(f"{BASE}connect/messenger/", {"terms_accepted": "on"})
    assert answer.status_code == 422
    with workspace_scope(workspace.pk):
        assert not LoginAttempt.objects.exists()


def test_an_agent_may_not_sign_in_for_the_workspace(client, workspace):
    client.force_login(join(workspace, Role.AGENT))
    for flow in flows.FLOWS:
        assert client.post(f"{BASE}connect/{flow}/", {"terms_accepted": "on"}).status_code == 403
    with workspace_scope(workspace.pk):
        assert not LoginAttempt.objects.exists()


def test_the_stand_in_plays_the_dialog_to_the_end(client, owner, workspace):
    platform.create_page(page_id=PAGE, name="Northwind Tea")
    client.force_login(owner)
    address = urlsplit(client.post(f"{BASE}connect/messenger/", {"terms_accepted": "on"})["Location"])
    dialog = client.get(f"{address.path}?{address.query}")
    assert b"pages_messaging" in dialog.content
    answer = client.post(f"{address.path}?{address.query}", {"answer": "allow", "scope": PAGE_SCOPES})
    back = urlsplit(answer["Location"])
    assert b"Northwind Tea" in client.get(f"{back.path}?{back.query}", follow=True).content


def test_an_own_app_signs_in_by_its_own_id_and_marks_what_it_connects(client, owner, workspace, settings):
    business()
    with workspace_scope(workspace.pk):
        OwnApp.objects.create(app="meta", app_id="990011223344", secret="an-own-app-secret", verify_token="x")
    client.force_login(owner)
    address = client.post(f"{BASE}connect/whatsapp/", {"terms_accepted": "on"})["Location"]
    query = parse_qs(urlsplit(address).query)
    assert query["client_id"] == ["990011223344"] and "config_id" not in query
    settings.META_APP_ID, settings.META_APP_SECRET = "990011223344", "an-own-app-secret"  # whom the stand-in plays
    code = platform.issue_code("meta", list(platform.SIGNUP_SCOPES))
    answer = client.get(BACK, {"code": code, "state": query["state"][0]})
    client.post(answer["Location"], {"channel": [NUMBER]})
    assert [each.own_app for each in channels(workspace)] == [True]
