"""The operators' admin: metadata only, read only, operators only."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.audit import Actor
from accounts.models import User
from channels_app.models import RawEvent
from conversations import replies
from conversations.models import Conversation, Message
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import retention
from privacy.models import RetentionPolicy
from tests.conversations.webhooks import LENA, connect, deliver, text
from tests.factors import sign_in_with_factor

NOW = datetime.now(UTC)
OURS = list(admin.site._registry)
ADD = (["add/"], [])  # an operator may ask for access; tests/accounts/operators/ shows what that can do
SECRETS = ("in stock", "Hi Lena", "Lena Fields", LENA, "wamid.", "EAAG-test-token")


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    sign_in_with_factor(
        client, User.objects.create_superuser("op@omnistra.example", "correct-horse-battery", name="Op")
    )
    return client


@pytest.fixture
def filled(workspace, member):
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "Is this in stock?", NOW)), (channel, {"messages": [{"id": "wamid.bad"}]}))
    with workspace_scope(workspace.pk), transaction.atomic():
        replies.send_reply(Conversation.objects.get(), "Hi Lena", Actor.member(member))
        RetentionPolicy.objects.create(conversation_days=5)
    retention.purge(workspace.pk, "command")
    return workspace


def _pages() -> list[str]:
    """Every list, and the page of every row."""
    addresses = [reverse("admin:index")]
    with system_scope("test"):
        for model in OURS:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            addresses.append(reverse(f"{name}_changelist"))
            addresses += [
                reverse(f"{name}_change", args=[pk]) for pk in model._default_manager.values_list("pk", flat=True)
            ]
    return addresses


def test_what_operators_need_is_there():
    names = {model._meta.label for model in OURS}
    assert {
        "accounts.Workspace", "accounts.Membership", "channels_app.Channel", "channels_app.RawEvent",
        "conversations.Delivery", "privacy.PurgeRun",
    } <= names  # fmt: skip


@pytest.mark.clause("12a")
def test_operators_read_no_conversation_name_number_or_token(operator, filled):
    pages = _pages()
    assert len(pages) > 12
    for address in pages:
        answer = operator.get(address)
        assert answer.status_code == 200, address
        for secret in SECRETS:
            assert secret not in answer.content.decode(), (address, secret)


@pytest.mark.clause("12a")
def test_members_are_refused_and_strangers_led_to_the_sign_in(filled, owner):
    pages = _pages()
    member, stranger = Client(), Client()
    member.force_login(owner)
    for address in pages:
        for client in (member, stranger):
            answer = client.get(address)
            assert answer.status_code in (302, 403, 404), address
            assert "slug" not in answer.content.decode()
    assert stranger.get("/admin/login/").status_code == 302


def test_nothing_can_be_added_changed_or_deleted(operator, filled):
    with system_scope("test"):
        addresses = [
            f"/admin/{model._meta.app_label}/{model._meta.model_name}/{tail}"
            for model in OURS
            for tail in (
                *ADD[model._meta.label == "accounts.AccessGrant"],
                *(f"{pk}/delete/" for pk in model._default_manager.values_list("pk", flat=True)),
            )
        ]
    for address in addresses:
        assert operator.post(address, {"post": "yes"}).status_code == 403, address


def test_what_was_set_aside_can_be_replayed_and_what_is_done_stays_done(operator, filled):
    with system_scope("test"):
        event = RawEvent.objects.get(state="aside")
    address = reverse("admin:channels_app_rawevent_changelist")
    answer = operator.post(address, {"action": "replay", "_selected_action": [str(event.pk)]}, follow=True)
    assert "1 put back" in answer.content.decode()
    with system_scope("test"):
        assert RawEvent.objects.get(pk=event.pk).state == "new"
        RawEvent.objects.update(state="done")
    operator.post(address, {"action": "replay", "_selected_action": [str(event.pk)]})
    with system_scope("test"):
        assert RawEvent.objects.get(pk=event.pk).state == "done"
    with workspace_scope(filled.pk):
        assert Message.objects.count() == 2


def test_a_password_is_changed_by_the_one_door_only(operator):
    was = User.objects.get(email="op@omnistra.example").password
    answer = operator.post(
        reverse("admin:password_change"),
        {"old_password": "correct-horse-battery", "new_password1": "steep-it-again", "new_password2": "steep-it-again"},
    )
    assert answer.status_code == 302 and answer["Location"] == reverse("account_change_password")
    assert User.objects.get(email="op@omnistra.example").password == was
