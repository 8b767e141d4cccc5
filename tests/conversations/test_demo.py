"""The demo workspace."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Workspace
from channels_app.sandbox import world
from conversations.models import Conversation, Message, Reaction
from conversations.reply_window import reply_window
from omnistra.core.tenancy import workspace_scope


@pytest.fixture(autouse=True)
def _own_world(settings, tmp_path):
    settings.SANDBOX_DB = tmp_path / "world.db"


def test_the_demo_is_made_once_and_running_it_again_changes_nothing(db, capsys):
    call_command("demo")
    workspace = Workspace.objects.get(slug="demo")
    with workspace_scope(workspace.pk):
        before = (Conversation.objects.count(), Message.objects.count())
    call_command("demo")
    with workspace_scope(workspace.pk):
        assert (Conversation.objects.count(), Message.objects.count()) == before
        assert before[0] >= 12 and before[1] > 40
    assert "demo@northwind.example" in capsys.readouterr().out
    assert world.rows("SELECT 1 FROM people")


def test_the_demo_shows_what_an_inbox_meets(db):
    call_command("demo", verbosity=0)
    now = timezone.now()
    with workspace_scope(Workspace.objects.get(slug="demo").pk):
        kinds = set(Message.objects.values_list("type", flat=True))
        assert kinds == {"text", "image", "audio", "document", "location", "contacts", "unsupported"}
        conversations = list(Conversation.objects.select_related("channel", "contact"))
        windows = {reply_window(each).state for each in conversations if each.status == "open"}
        assert windows == {"open", "closing", "closed"}
        assert {each.channel.name for each in conversations} == {
            "Northwind Tea Berlin", "Northwind Tea Porto", "Northwind Tea", "@northwind.tea",
        }  # fmt: skip
        assert Reaction.objects.exists() and Message.objects.filter(status="failed").exists()
        assert Message.objects.exclude(reply_to_hash=None).exists()
        old = sum(each.last_message_at < now - timedelta(days=1) for each in conversations)
        assert old >= 8 and len(conversations) - old >= 12  # a purge after one day has something to take and to leave
