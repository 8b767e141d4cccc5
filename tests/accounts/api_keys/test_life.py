"""The life of a key: shown once, rotated without a gap, announced before its end, ended, revoked."""

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.utils import timezone

from accounts import jobs, mails
from accounts.models import ApiKey, StillRotating
from accounts.roles import Role
from omnistra.core.tenancy import workspace_scope
from tests.accounts.api_keys.keys import PAGE, again, change, entries, issue, status
from tests.conftest import join

SECRET = re.compile(r"omn_[\w-]{40,}")
FORM = {"name": "Shop", "scopes": ["conversations.view"], "reach": "all"}


@pytest.mark.parametrize(("lifetime", "days"), [("30", 30), ("90", 90), ("365", 365), ("never", None)])
def test_a_key_ends_when_its_maker_said(client, owner, workspace, lifetime, days):
    client.force_login(owner)
    page = client.post(PAGE, FORM | {"lifetime": lifetime}).content.decode()
    with workspace_scope(workspace.pk):
        key = ApiKey.objects.get()
    assert SECRET.search(page)
    left = key.expires_at and key.expires_at - timezone.now()
    assert left is None if days is None else abs(left - timedelta(days=days)) < timedelta(minutes=1)
    assert entries(workspace, "api_key.created")[0].target_id == key.pk


@pytest.mark.clause("12a")
def test_a_secret_is_shown_once_and_stands_nowhere(client, owner, workspace):
    client.force_login(owner)
    page = client.post(PAGE, FORM)
    secret = SECRET.search(page.content.decode())[0]
    assert page["Cache-Control"] == "no-store"
    assert secret not in client.get(PAGE).content.decode()
    with workspace_scope(workspace.pk):
        row = ApiKey.objects.values().get()
    assert secret not in repr(row) and bytes(row["key_hash"]) == ApiKey.hash(secret)


@pytest.mark.clause("12a")
def test_a_rotated_key_has_two_secrets_for_a_day_and_the_new_one_then(committed, client, owner, workspace):
    key, old = issue(workspace, expires_at=timezone.now() + timedelta(days=30))
    change(workspace, key, issued_at=timezone.now() - timedelta(days=60), announced_at=timezone.now())
    client.force_login(owner)
    new = SECRET.search(client.post(f"{PAGE}{key.pk}/rotate/").content.decode())[0]
    assert new != old and status(old) == status(new) == 200
    key = again(workspace, key)
    assert key.state == "rotating" and key.announced_at is None
    assert abs(key.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)  # as long as before
    assert abs(key.old_ends_at - timezone.now() - timedelta(hours=24)) < timedelta(minutes=1)
    change(workspace, key, old_ends_at=timezone.now() - timedelta(seconds=1))
    assert (status(old), status(new)) == (401, 200)
    assert [each.target_id for each in entries(workspace, "api_key.rotated")] == [key.pk]


def test_a_second_rotation_waits_so_that_pressing_twice_cuts_nothing_off(committed, client, owner, workspace):
    key, old = issue(workspace)
    client.force_login(owner)
    new = SECRET.search(client.post(f"{PAGE}{key.pk}/rotate/").content.decode())[0]
    answer = client.post(f"{PAGE}{key.pk}/rotate/", follow=True).content.decode()
    assert "still works" in answer and not SECRET.search(answer)
    assert status(old) == status(new) == 200
    with workspace_scope(workspace.pk), pytest.raises(StillRotating):
        again(workspace, key).rotate()
    assert len(entries(workspace, "api_key.rotated")) == 1


def test_the_old_secret_can_be_ended_by_hand(committed, client, owner, workspace):
    key, old = issue(workspace)
    client.force_login(owner)
    new = SECRET.search(client.post(f"{PAGE}{key.pk}/rotate/").content.decode())[0]
    for _ in range(2):
        assert client.post(f"{PAGE}{key.pk}/end-old/").status_code == 302
    assert (status(old), status(new)) == (401, 200)
    assert again(workspace, key).old_hash is None
    assert len(entries(workspace, "api_key.old_secret_ended")) == 1
    assert SECRET.search(client.post(f"{PAGE}{key.pk}/rotate/").content.decode())


def test_an_old_secret_does_not_outlive_the_end_that_it_had(workspace, scope):
    end = timezone.now() + timedelta(hours=2)
    key, _ = issue(workspace, expires_at=end)
    key.rotate()
    assert key.old_ends_at == end and key.expires_at > end


@pytest.mark.clause("12a")
def test_revoking_ends_both_secrets_and_for_good(committed, client, owner, workspace):
    key, old = issue(workspace)
    client.force_login(owner)
    new = SECRET.search(client.post(f"{PAGE}{key.pk}/rotate/").content.decode())[0]
    assert client.post(f"{PAGE}{key.pk}/revoke/").status_code == 302
    assert status(old) == status(new) == 401
    for verb in ("rotate", "end-old", "revoke"):
        assert client.post(f"{PAGE}{key.pk}/{verb}/").status_code == 404
    assert len(entries(workspace, "api_key.revoked")) == 1


def test_a_key_that_has_ended_is_not_rotated_back_to_life(committed, client, owner, workspace):
    key, secret = issue(workspace, expires_at=timezone.now() - timedelta(seconds=1))
    client.force_login(owner)
    assert "has ended" in client.post(f"{PAGE}{key.pk}/rotate/", follow=True).content.decode()
    assert status(secret) == 401
    assert entries(workspace, "api_key.rotated") == []


def test_the_page_tells_the_states_apart_in_a_constant_number_of_queries(
    client, owner, workspace, django_assert_max_num_queries
):
    soon, past = timezone.now() + timedelta(days=3), timezone.now() - timedelta(days=1)
    client.force_login(owner)
    with workspace_scope(workspace.pk):
        issue(workspace)
        issue(workspace, expires_at=soon)
        issue(workspace, expires_at=past)
        issue(workspace)[0].revoke()
        issue(workspace)[0].rotate()
        states = {key.state for key in ApiKey.objects.all()}
        assert states == {"active", "ending", "expired", "revoked", "rotating"}
    with django_assert_max_num_queries(20) as few:
        page = client.get(PAGE).content.decode()
    for words in ("Active", "Ends soon", "Two secrets", "Ended", "Revoked"):
        assert words in page
    for _ in range(10):
        issue(workspace)
    with django_assert_max_num_queries(len(few)):
        client.get(PAGE)


def test_who_manages_keys_is_told_once_seven_days_before_one_ends(committed, workspace, owner):
    join(workspace, Role.AGENT)
    admin = join(workspace, Role.ADMIN)
    now = timezone.now()
    ending, secret = issue(workspace, expires_at=now + timedelta(days=6, hours=23))
    issue(workspace, expires_at=now + timedelta(days=7, hours=1))
    issue(workspace, expires_at=now - timedelta(hours=1))
    issue(workspace)
    revoked, _ = issue(workspace, expires_at=now + timedelta(days=2))
    change(workspace, revoked, revoked_at=now)
    assert jobs.announce_ending_keys() == 1
    assert sorted(each.to for each in mail.outbox) == sorted([[owner.email], [admin.email]])
    text = mail.outbox[0].body
    assert "Shop" in text and ending.hint in text and PAGE in text and secret not in text
    assert jobs.announce_ending_keys() == 0 and len(mail.outbox) == 2
    assert again(workspace, ending).announced_at is not None


def test_mails_that_cannot_be_sent_are_tried_again(committed, workspace, monkeypatch):
    key, _ = issue(workspace, expires_at=timezone.now() + timedelta(days=2))

    def broken(*args, **kwargs):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(mails, "send", broken)
        assert jobs.announce_ending_keys() == 0
    assert again(workspace, key).announced_at is None
    assert jobs.announce_ending_keys() == 1 and len(mail.outbox) == 1


def test_one_address_that_takes_no_mail_does_not_make_the_others_hear_it_every_hour(
    committed, workspace, owner, monkeypatch
):
    admin = join(workspace, Role.ADMIN)
    issue(workspace, expires_at=timezone.now() + timedelta(days=2))
    send = mails.send

    def picky(to, *args):
        if to == owner.email:
            raise SMTPRecipientsRefused({})
        send(to, *args)

    monkeypatch.setattr(mails, "send", picky)
    assert [jobs.announce_ending_keys() for _ in range(2)] == [1, 0]
    assert [each.to for each in mail.outbox] == [[admin.email]]


@pytest.mark.parametrize("field", ["suspended_at", "closing_at"])
def test_a_workspace_that_stands_still_hears_nothing_of_its_keys(committed, workspace, field):
    issue(workspace, expires_at=timezone.now() + timedelta(days=2))
    type(workspace).objects.filter(pk=workspace.pk).update(**{field: timezone.now()})
    assert jobs.announce_ending_keys() == 0 and mail.outbox == []
