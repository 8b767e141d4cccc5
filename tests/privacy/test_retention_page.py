"""The page of retention."""

from accounts.roles import Role
from omnistra.core.tenancy import workspace_scope
from privacy import retention
from tests.conftest import join

URL = "/w/northwind/privacy/retention/"


def test_saving_replaces_the_rule_and_empty_keeps_until_asked(client, owner, workspace) -> None:
    client.force_login(owner)
    answer = client.post(URL + "save/", {"conversation_days": "30", "message_days": "", "media_days": "7"})
    assert answer.status_code == 302
    with workspace_scope(workspace.pk):
        assert retention.current().default == retention.Days(30, None, 7)
    assert b'value="30"' in client.get(URL).content
    assert client.get("/w/northwind/privacy/").status_code == 200


def test_a_preview_saves_nothing(client, owner, workspace) -> None:
    client.force_login(owner)
    answer = client.post(URL + "save/", {"conversation_days": "1", "preview": "1"})
    assert answer.status_code == 200 and b"A purge now would delete" in answer.content
    with workspace_scope(workspace.pk):
        assert retention.current().default == retention.Days()


def test_days_out_of_range_are_refused(client, owner, workspace) -> None:
    client.force_login(owner)
    assert client.post(URL + "save/", {"conversation_days": "0"}).status_code == 422
    assert client.post(URL + "save/", {"message_days": "3651"}).status_code == 422


def test_an_agent_reads_and_may_not_change(client, workspace) -> None:
    client.force_login(join(workspace, Role.AGENT))
    assert client.get(URL).status_code == 200
    assert client.post(URL + "save/", {"conversation_days": "1"}).status_code == 403
    assert client.post(URL + "purge/").status_code == 403


def test_a_foreign_workspace_is_not_found(client, owner, workspace, other) -> None:
    client.force_login(owner)
    assert client.get("/w/elsewhere/privacy/retention/").status_code == 404
    assert client.post("/w/elsewhere/privacy/retention/save/", {}).status_code == 404
