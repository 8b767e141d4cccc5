"""Bodies, fields and files beyond their limits: 413 or 400 in words, nothing kept, and never a 500."""

import io
import json

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import ApiKey, User, Workspace
from omnistra.core.tenancy import workspace_scope
from tests.accounts.test_signup import FORM

pytestmark = pytest.mark.clause("12a")
LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.fixture
def browser(db) -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/login/", "/accounts/password/reset/"])
def test_a_form_above_the_limit_is_answered_413_in_words_and_keeps_nothing(browser, path):
    answer = browser.post(path, {**FORM, "name": "x" * (LIMIT + 1)})
    page = answer.content.decode()
    assert answer.status_code == 413 and "That is too large" in page and "Nothing was kept" in page
    assert not User.objects.exists() and not Workspace.objects.exists() and answer.cookies == {}


def test_more_fields_than_any_form_has_are_answered_400_in_words(browser):
    fields = {f"field{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    answer = browser.post("/accounts/signup/", {**FORM, **fields})
    assert answer.status_code == 400 and "<h1>" in answer.content.decode() and not User.objects.exists()


def test_more_files_than_any_form_has_are_answered_400_in_words(browser):
    files = {f"file{number}": io.BytesIO(b"x") for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FILES + 1)}
    answer = browser.post("/accounts/signup/", {**FORM, **files})
    assert answer.status_code == 400 and "<h1>" in answer.content.decode() and not User.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nnot a part", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=" + "y" * 300),
        (b"%ff%fe=\xff\xfe&login=%00", "application/x-www-form-urlencoded"),
        (b"login=x", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"\x00\x01", "text/plain"),
    ],
)
def test_a_body_that_is_no_form_is_never_an_error_of_ours(browser, body, kind):
    for path in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        answer = browser.generic("POST", path, body, content_type=kind)
        assert answer.status_code in (200, 400), (path, kind)
    assert not User.objects.exists()


def test_each_field_has_a_limit_and_says_so(browser):
    for name, value in {"name": "x" * 121, "company": "x" * 121, "email": "x" * 250 + "@x.example"}.items():
        answer = browser.post("/accounts/signup/", {**FORM, name: value})
        assert answer.status_code == 200 and "characters" in answer.content.decode(), name
    assert not User.objects.exists()


def test_the_api_answers_413_and_400_as_problems(browser, workspace, owner):
    with workspace_scope(workspace.pk):
        secret = ApiKey.issue("all", ["channels.manage", "conversations.view"], owner)[1]
    bearer = {"Authorization": f"Bearer {secret}"}
    large = json.dumps({"text": "x" * (LIMIT + 1)})
    for body, status in ((large, 413), ("{", 400), ("[" * 100_000, 400), ('{"a": NaN}', 400), ("[]", 400)):
        answer = browser.post("/api/v1/channels/", body, content_type="application/json", headers=bearer)
        assert answer.status_code == status, (body[:20], answer.content)
        assert answer["Content-Type"] == "application/problem+json" and answer.json()["status"] == status


def test_a_file_where_none_belongs_is_ignored(browser):
    answer = browser.post("/accounts/login/", {"login": SimpleUploadedFile("x", b"x"), "password": "y"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query", ["?next=" + "x" * 5000, "?next=//evil.example", "?next=\x00", "?page=%ff", "?next=javascript:alert(1)"]
)
def test_no_address_of_the_sign_in_breaks_it_or_leads_elsewhere(browser, owner, query):
    answer = browser.post("/accounts/login/" + query, {"login": owner.email, "password": "correct-horse-battery"})
    assert answer.status_code in (200, 302)
    assert answer.status_code == 200 or (answer["Location"].startswith("/") and not answer["Location"].startswith("//"))
