"""The demo workspace."""

import pytest
from django.core.management import call_command

from accounts.models import Workspace
from channels_app.sandbox import world
from conversations.models import Conversation, Message
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
