"""Templates fetched, handed in, changed and deleted at Meta, and what Meta tells of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from accounts.roles import Role
from channels_app import connect as connecting
from channels_app.contract import AccountEvent, CredentialsRefused, Permanent
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import events, jobs, keeping
from omnistra.core.tenancy import workspace_scope
from tests.channels_app.templates.graph import template
from tests.conftest import join
from tests.conversations.webhooks import connect

NOW = datetime.now(UTC)
BODY = "Hello {{first_name}}, your order is ready for pick-up."
FORM = {
    "name": "order_ready", "language": "en", "category": "utility", "header": "", "body": BODY, "footer": "",
    "examples": "first_name = Lena", "buttons": "Thanks\nTrack it | https://n.example/o/{{1}}",
}  # fmt: skip


@pytest.fixture
def channel(committed, workspace) -> Channel:
    return connect(workspace)


def listed(*rows: dict[str, Any]) -> Any:
    return lambda method, path, request: {"data": list(rows)}


def fetch(channel: Channel) -> int:
    with workspace_scope(channel.workspace_id):
        return keeping.fetch(channel)


def rows(channel: Channel) -> list[MessageTemplate]:
    with workspace_scope(channel.workspace_id), transaction.atomic():
        return list(MessageTemplate.objects.order_by("name"))


def test_all_pages_are_fetched_and_no_address_of_metas_is_followed(channel, graph):
    def answer(method, path, request):
        if request["params"].get("after") != "second":
            following = {"cursors": {"after": "second"}, "next": "https://graph.facebook.com/x?access_token=secret"}
            return {"data": [template(n) for n in range(100)], "paging": following}
        return {
            "data": [template(n) for n in range(100, 130)] + [None, {"id": ""}],
            "paging": {"cursors": {"after": "end"}},
        }

    graph.answer = answer
    assert fetch(channel) == 130 == len(rows(channel))
    assert [path for _, path, _ in graph.asked] == ["310000000000101/message_templates"] * 2


def test_fetching_again_takes_over_what_changed_and_lets_go_what_is_gone(channel, graph):
    graph.answer = listed(template(1), template(2))
    fetch(channel)
    before = {row.name: row.pk for row in rows(channel)}
    graph.answer = listed(template(2, status="REJECTED", rejected_reason="INCORRECT_CATEGORY"), template(3))
    fetch(channel)
    found = {row.name: row for row in rows(channel)}
    assert set(found) == {"order_ready_2", "order_ready_3"}
    changed = found["order_ready_2"]
    assert (changed.pk, changed.status, changed.reason) == (before["order_ready_2"], "rejected", "incorrect_category")


def test_a_refused_token_is_noted_and_nothing_is_lost(channel, graph):
    graph.answer = listed(template(1))
    fetch(channel)
    graph.answer = lambda *_: CredentialsRefused("The access token is not valid any more.", code=190)
    with pytest.raises(keeping.NotDone):
        fetch(channel)
    assert len(rows(channel)) == 1
    with workspace_scope(channel.workspace_id), transaction.atomic():
        assert Channel.objects.get().status == Channel.Status.RECONNECT


def page(channel: Channel, more: str = "") -> str:
    return f"/w/northwind/settings/channels/{channel.pk}/templates/{more}"


def test_a_new_template_is_previewed_then_handed_in(client, owner, channel, graph):
    client.force_login(owner)
    shown = client.post(page(channel, "new/"), FORM | {"preview": "1"})
    assert shown.status_code == 200 and "Lena" in shown.content.decode() and graph.asked == [] and rows(channel) == []
    graph.answer = lambda *_: {"id": "710000000000009", "status": "PENDING", "category": "UTILITY"}
    assert client.post(page(channel, "new/"), FORM).status_code == 302
    method, path, request = graph.asked[0]
    assert (method, path) == ("POST", "310000000000101/message_templates")
    assert request["json"]["category"] == "UTILITY" and request["json"]["parameter_format"] == "named"
    assert [each["type"] for each in request["json"]["components"]] == ["BODY", "BUTTONS"]
    made = rows(channel)[0]
    assert (made.name, made.status, made.external_id) == ("order_ready", "pending", "710000000000009")
    body = client.get(page(channel)).content.decode()
    assert "In review" in body and "order_ready" in body


def test_what_meta_would_refuse_is_said_at_its_field_and_meta_is_not_asked(client, owner, channel, graph):
    client.force_login(owner)
    answer = client.post(page(channel, "new/"), FORM | {"examples": ""})
    assert answer.status_code == 422 and "wants an example" in answer.content.decode()
    assert graph.asked == [] and rows(channel) == []


def test_what_meta_says_is_shown_and_nothing_is_kept(client, owner, channel, graph):
    graph.answer = lambda *_: Permanent("No", code=2388023, detail="The name is blocked for 30 days.")
    client.force_login(owner)
    answer = client.post(page(channel, "new/"), FORM)
    assert answer.status_code == 422 and "blocked for 30 days" in answer.content.decode() and rows(channel) == []


def test_an_approved_template_is_changed_once_a_day_and_reviewed_anew(client, owner, channel, graph):
    graph.answer = listed(template(1))
    fetch(channel)
    row = rows(channel)[0]
    graph.answer = lambda *_: {"success": True}
    client.force_login(owner)
    form = {"header": "", "body": BODY, "footer": "", "examples": "first_name = Lena", "buttons": ""}
    assert client.post(page(channel, f"{row.pk}/edit/"), form).status_code == 302
    assert graph.asked[-1][:2] == ("POST", row.external_id)
    assert rows(channel)[0].status == "pending"
    with workspace_scope(channel.workspace_id), transaction.atomic():
        MessageTemplate.objects.update(status="approved")
    asked = len(graph.asked)
    assert client.post(page(channel, f"{row.pk}/edit/"), form).status_code == 422
    assert len(graph.asked) == asked


def test_one_language_is_deleted_once_the_box_is_ticked(client, owner, channel, graph):
    graph.answer = listed(template(1))
    fetch(channel)
    row = rows(channel)[0]
    client.force_login(owner)
    client.post(page(channel, f"{row.pk}/delete/"))
    assert len(graph.asked) == 1 and rows(channel)
    client.post(page(channel, f"{row.pk}/delete/"), {"confirm": "1"})
    assert graph.asked[-1] == (
        "DELETE", "310000000000101/message_templates", {"params": {"hsm_id": row.external_id, "name": row.name}},
    )  # fmt: skip
    assert rows(channel) == []


def test_an_agent_reads_templates_and_changes_none(client, workspace, channel, graph):
    graph.answer = listed(template(1))
    fetch(channel)
    row = rows(channel)[0]
    client.force_login(join(workspace, Role.AGENT))
    assert client.get(page(channel)).status_code == client.get(page(channel, f"{row.pk}/")).status_code == 200
    for more in ("fetch/", "new/", f"{row.pk}/edit/", f"{row.pk}/delete/"):
        assert client.post(page(channel, more), FORM | {"confirm": "1"}).status_code == 403
    assert len(graph.asked) == 1 and len(rows(channel)) == 1


def tell(channel: Channel, kind: str, **facts: Any) -> None:
    event = AccountEvent("", channel.account_id, kind, NOW, {"template_id": "710000000000001"} | facts)
    with workspace_scope(channel.workspace_id), transaction.atomic():
        events.apply(channel.workspace_id, [(event, channel)])


@pytest.fixture
def known(channel, graph) -> Channel:
    graph.answer = listed(template(1))
    fetch(channel)
    return channel


def written(channel: Channel, action: str) -> int:
    with workspace_scope(channel.workspace_id), transaction.atomic():
        return AuditEntry.objects.filter(action=action).count()


@pytest.mark.parametrize("event", ["REJECTED", "PAUSED", "DISABLED", "ARCHIVED", "APPROVED"])
def test_meta_109_a_status_is_taken_over_with_its_reason(client, owner, known, event):
    tell(known, "template_status", event=event, reason="INCORRECT_CATEGORY", advice="Use the marketing category")
    tell(known, "template_status", event=event, reason="INCORRECT_CATEGORY", advice="Use the marketing category")
    row = rows(known)[0]
    assert row.status == event.lower() and written(known, "template.status_changed") == 1
    client.force_login(owner)
    body = client.get(page(known, f"{row.pk}/")).content.decode()
    assert "promotional text belongs into marketing" in body or event == "APPROVED"
    assert "Use the marketing category" in body or event == "APPROVED"


def test_a_reinstated_template_is_approved_again(known):
    tell(known, "template_status", event="PAUSED", reason="")
    tell(known, "template_status", event="REINSTATED", reason="NONE")
    assert (rows(known)[0].status, rows(known)[0].reason) == ("approved", "")


def test_meta_110_a_category_is_announced_then_changed_each_told_once(client, owner, known):
    for _ in range(2):
        tell(known, "template_category", category="MARKETING", is_announced=True)
    row = rows(known)[0]
    assert (row.category, row.coming_category) == ("utility", "marketing")
    client.force_login(owner)
    assert "its price follows" in client.get(page(known, f"{row.pk}/")).content.decode()
    for _ in range(2):
        tell(known, "template_category", category="MARKETING", is_announced=False)
    row = rows(known)[0]
    assert (row.category, row.coming_category) == ("marketing", "")
    assert written(known, "template.category_announced") == written(known, "template.category_changed") == 1


def test_meta_111_quality_is_taken_over_and_leaves_the_status(known):
    tell(known, "template_quality", quality="YELLOW")
    assert (rows(known)[0].quality, rows(known)[0].status) == ("yellow", "approved")


def test_an_unknown_template_or_another_text_has_the_list_fetched(known, monkeypatch):
    woken = []
    monkeypatch.setattr(jobs.fetch_templates, "enqueue", lambda *ids: woken.append(ids))
    tell(known, "template_status", template_id="999", event="APPROVED")
    tell(known, "template_components")
    assert woken == [(known.workspace_id, known.pk)] * 2 and len(rows(known)) == 1


def test_an_event_of_another_account_changes_nothing(known, workspace):
    stranger = connect(workspace, "210000000000777", "310000000000202")
    tell(stranger, "template_status", event="DISABLED")
    assert rows(known)[0].status == "approved"


def test_meta_097_a_refusal_that_contradicts_the_list_fetches_it(known, monkeypatch):
    woken = []
    monkeypatch.setattr(jobs.fetch_templates, "enqueue", lambda *ids: woken.append(ids))
    for code in (132000, 132001, 132012):
        events.refused(known, code)
    for code in (None, 0, 131026):
        events.refused(known, code)
    assert len(woken) == 3


def test_with_the_last_channel_of_an_account_its_templates_go(known, workspace, graph):
    with workspace_scope(workspace.pk):
        connecting.disconnect(known, SYSTEM)
    assert rows(known) == []
