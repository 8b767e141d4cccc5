"""Names that the platform tells only when it is asked. Case 146 of the Meta conformance cases."""

import pytest
from django.db import transaction
from django.utils import timezone

from channels_app.models import Channel
from conversations import profiles
from conversations.models import Contact, Handle
from conversations.naming import shown_name
from omnistra.core.tenancy import workspace_scope
from tests.channels_app.providers.meta import INSTAGRAM, LENA_IGSID, PAGE, error, graph_at
from tests.conversations.test_pages_of_meta import connect, deliver, texts


@pytest.fixture
def graph(settings):
    with graph_at(settings) as server:
        yield server


@pytest.fixture
def page(committed, workspace) -> Channel:
    channel = connect(workspace, "messenger", PAGE, PAGE)
    deliver("messenger", "122_text_milliseconds")
    return channel


def shown(workspace) -> str:
    with workspace_scope(workspace.pk), transaction.atomic():
        return shown_name(Contact.objects.get(), Handle.objects.order_by("created_at"))


def test_a_name_is_asked_for_once_and_the_message_is_there_before(page, workspace, graph):
    assert texts(workspace) == ["Is this still available?"] and shown(workspace) == "••••23"
    graph.answers = [(200, {"name": "Lena Fields", "profile_pic": "https://scontent.example/a.jpg"})]
    assert profiles.ask_due() == 1
    assert shown(workspace) == "Lena Fields"
    assert profiles.ask_due() == 0 and len(graph.calls) == 1
    assert "fields" in graph.calls[0].query and "profile_pic" not in graph.calls[0].query["fields"][0]


def test_a_user_name_becomes_a_handle(committed, workspace, graph):
    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    deliver("instagram", "147_text")
    graph.answers = [(200, {"username": "lena.fields"})]
    profiles.ask_due()
    with workspace_scope(workspace.pk), transaction.atomic():
        held = {handle.kind: handle.value for handle in Handle.objects.all()}
    assert held == {"igsid": LENA_IGSID, "username": "lena.fields"}


@pytest.mark.parametrize("answer", [(200, {}), (400, error(100, 2018218)), (400, error(551))])
def test_no_profile_leaves_the_id_and_is_not_asked_for_again(page, workspace, graph, answer):
    graph.answers = [answer]
    assert (profiles.ask_due(), profiles.ask_due()) == (1, 0)
    assert shown(workspace) == "••••23" and len(graph.calls) == 1


@pytest.mark.parametrize("answer", [(400, error(4)), (401, error(190)), None, (500, b"")])
def test_a_platform_that_cannot_say_now_is_asked_again_for_a_day(page, workspace, graph, answer):
    graph.answers = [answer]
    assert (profiles.ask_due(), profiles.ask_due()) == (1, 1)
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Channel.objects.get().status == Channel.Status.ACTIVE
        Handle.objects.update(created_at=timezone.now() - profiles.GIVE_UP)
    assert profiles.ask_due() == 0


def test_a_rate_limit_ends_the_round_of_its_channel(page, workspace, graph):
    with workspace_scope(workspace.pk), transaction.atomic():
        first = Handle.objects.get()
        for number in range(3):
            Handle.objects.create(
                contact_id=first.contact_id,
                provider="messenger",
                kind="psid",
                value=str(number),
                value_hash=bytes([number]),
            )
    graph.answers = [(400, error(613))]
    assert profiles.ask_due() == 1 and len(graph.calls) == 1


def test_nobody_is_asked_about_who_never_wrote_or_whose_channel_is_off(page, workspace, graph):
    graph.answers = [(200, {"name": "Lena Fields"})]
    with workspace_scope(workspace.pk), transaction.atomic():
        Channel.objects.update(status=Channel.Status.DISCONNECTED, credentials=None)
    assert profiles.ask_due() == 0 and graph.calls == []


def test_an_erased_contact_gets_no_name(page, workspace, graph, monkeypatch):
    def erase(*args):
        with workspace_scope(workspace.pk), transaction.atomic():
            Handle.objects.all().delete()
        return None

    monkeypatch.setattr(profiles, "_ask", erase)
    assert profiles.ask_due() == 1 and graph.calls == []
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Handle.objects.exists() and Contact.objects.get().name is None
