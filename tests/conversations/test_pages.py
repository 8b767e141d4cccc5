"""The inbox's pages: what they cost, whom they answer."""

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User, Workspace
from accounts.roles import Role
from conversations import demo
from conversations.models import Conversation, Message
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join


@pytest.fixture
def tea(db, settings, tmp_path) -> Workspace:
    settings.SANDBOX_DB = tmp_path / "world.db"
    call_command("demo", verbosity=0)
    return Workspace.objects.get(slug=demo.SLUG)


@pytest.fixture
def agent(tea) -> Client:
    client = Client()
    client.force_login(User.objects.get(email=demo.EMAIL), "allauth.account.auth_backends.AuthenticationBackend")
    return client


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connections["default"]) as seen:
        assert client.get(url).status_code == 200
    return len([each for each in seen.captured_queries if "SAVEPOINT" not in each["sql"]])


def test_the_list_takes_the_same_few_queries_however_many_conversations_there_are(tea, agent):
    url = f"/w/{tea.slug}/inbox/"
    few = _queries(agent, url + "?view=unassigned")
    many = _queries(agent, url)
    assert few == many <= 10


def test_a_thread_page_takes_a_constant_number_of_queries(tea, agent):
    with workspace_scope(tea.pk):
        counts = {
            conversation.pk: Message.objects.filter(conversation=conversation).count()
            for conversation in Conversation.objects.all()
        }
    short, long = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    part = "?part=thread"
    assert (
        abs(
            _queries(agent, f"/w/{tea.slug}/inbox/{short}/{part}")
            - _queries(agent, f"/w/{tea.slug}/inbox/{long}/{part}")
        )
        <= 1
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PRIVACY_OFFICER])
def test_a_role_without_reply_reads_and_cannot_write(tea, role):
    client = Client()
    client.force_login(join(tea, role), "allauth.account.auth_backends.AuthenticationBackend")
    with workspace_scope(tea.pk):
        conversation = Conversation.objects.order_by("-last_message_at").first()
        before = Message.objects.count()
    url = f"/w/{tea.slug}/inbox/{conversation.pk}/"
    assert client.get(url).status_code == 200
    assert client.post(url + "reply/", {"text": "no"}).status_code == 403
    with workspace_scope(tea.pk):
        assert Message.objects.count() == before


def test_a_foreign_workspace_is_not_found_and_nothing_is_written(tea, workspace, owner):
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    with workspace_scope(tea.pk):
        conversation = Conversation.objects.order_by("-last_message_at").first()
        before = Message.objects.count()
    assert client.get(f"/w/{tea.slug}/inbox/").status_code == 404
    for path in (f"/w/{workspace.slug}/inbox/{conversation.pk}/", f"/w/{tea.slug}/inbox/{conversation.pk}/"):
        assert client.get(path).status_code == 404
        assert client.post(path + "reply/", {"text": "hello"}).status_code == 404
    with workspace_scope(tea.pk):
        assert Message.objects.count() == before


def test_an_answer_is_queued_once_however_often_the_form_is_sent(tea, agent):
    with workspace_scope(tea.pk):
        conversation = Conversation.objects.order_by("-last_message_at").first()
    form = {"text": "Only once", "nonce": "01a20c45-0c33-700b-95da-2d8f9a846dc2"}
    for _ in range(3):
        assert agent.post(f"/w/{tea.slug}/inbox/{conversation.pk}/reply/", form).status_code == 302
    with workspace_scope(tea.pk):
        texts = [each.text for each in Message.objects.filter(conversation=conversation)]
    assert texts.count("Only once") == 1


@pytest.mark.clause("5c")
def test_outside_the_window_the_answer_is_refused_with_the_reason_and_the_text_is_kept(tea, agent):
    with workspace_scope(tea.pk):
        conversation = Conversation.objects.filter(status="open").order_by("last_message_at").first()
        before = Message.objects.count()
    answer = agent.post(f"/w/{tea.slug}/inbox/{conversation.pk}/reply/", {"text": "too late"})
    assert answer.status_code == 422
    assert b"window closed" in answer.content and b"too late" in answer.content
    with workspace_scope(tea.pk):
        assert Message.objects.count() == before
