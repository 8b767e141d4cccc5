"""Sign-up, confirmation, sign-in, password reset; members and API keys."""

import re

from django.core import mail

from accounts.models import Acceptance, ApiKey, Membership, User, Workspace
from accounts.roles import Role
from omnistra.core.tenancy import workspace_scope
from privacy import policies
from tests.conftest import join

FORM = {
    "name": "Lea Brandt", "company": "Harbour Books", "email": "lea@harbour.example",
    "password1": "correct-horse-battery", "of_age": "on", "agreed": "on",
}  # fmt: skip


def _link(text: str) -> str:
    found = re.search(r"https?://[^/\s]+(/accounts/\S+)", text)
    assert found
    return found[1]


def test_signing_up_makes_a_workspace_its_owner_and_the_acceptances(client, db) -> None:
    assert client.get("/accounts/signup/").status_code == 200
    assert client.post("/accounts/signup/", FORM).status_code == 302
    user = User.objects.get(email=FORM["email"])
    assert user.password.startswith("argon2$argon2id$") and user.declared_of_age_at
    assert [(each.workspace.name, each.role) for each in Membership.of_user(user)] == [("Harbour Books", Role.OWNER)]
    accepted = set(Acceptance.objects.filter(user=user).values_list("document", "version", "sha256"))
    assert accepted == {(each.slug, each.version, each.sha256) for each in policies.signup_documents()}


def test_without_age_or_acceptance_nothing_is_stored(client, db) -> None:
    for missing in ("of_age", "agreed"):
        answer = client.post("/accounts/signup/", {key: value for key, value in FORM.items() if key != missing})
        assert answer.status_code == 200
    assert not User.objects.exists() and not Workspace.objects.exists() and not Acceptance.objects.exists()


def test_nobody_signs_in_before_the_address_is_confirmed(client, db, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/signup/", FORM)
    credentials = {"login": FORM["email"], "password": FORM["password1"]}
    client.post("/accounts/login/", credentials)
    assert "_auth_user_id" not in client.session
    link = _link(mail.outbox[0].body)
    assert client.get(link).status_code == 200
    client.post(link)
    client.post("/accounts/login/", credentials)
    assert "_auth_user_id" in client.session


def test_a_password_can_be_reset_by_mail(client, owner, workspace, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/accounts/password/reset/", {"email": owner.email}).status_code == 302
    page = client.get(_link(mail.outbox[0].body), follow=True)
    address = page.redirect_chain[-1][0]
    new = "another-horse-battery"
    assert client.post(address, {"password1": new, "password2": new}).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_a_key_is_shown_once_and_can_be_revoked(client, owner, workspace) -> None:
    client.force_login(owner)
    address = "/w/northwind/settings/api-keys/"
    page = client.post(address, {"name": "Shop", "scopes": ["conversations.view"]}).content.decode()
    found = re.search(r"omn_[\w-]{40,}", page)
    assert found and found[0] not in client.get(address).content.decode()
    with workspace_scope(workspace.pk):
        key = ApiKey.objects.get()
    assert key.key_hash != found[0]
    client.post(f"{address}{key.pk}/revoke/")
    with workspace_scope(workspace.pk):
        assert not ApiKey.objects.get().usable


def test_an_agent_sees_members_and_no_api_keys(client, workspace, other) -> None:
    client.force_login(join(workspace, Role.AGENT))
    assert client.get("/w/northwind/settings/members/").status_code == 200
    assert client.get("/w/northwind/settings/api-keys/").status_code == 403
    assert client.get("/w/elsewhere/settings/members/").status_code == 404


def test_public_pages_open(client, db) -> None:
    for address in ("/", "/privacy/", "/terms/", "/processing-terms/", "/accounts/login/", "/accounts/password/reset/"):
        assert client.get(address).status_code == 200
