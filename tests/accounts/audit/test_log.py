"""The audit log as it is read: its page, its filters, its API, its exports."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor, chain, log
from accounts.audit.export import safe_cell
from accounts.models import ApiKey, AuditEntry, AuditHead, Membership, User
from accounts.roles import Permission, Role
from channels_app.models import Channel
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope
from tests.accounts.audit.tools import entries, settle, write
from tests.conftest import join
from tests.conversations.webhooks import connect

pytestmark = pytest.mark.clause("12a")
URL = "/w/northwind/settings/audit/"


@pytest.fixture
def page(client: Client, owner, workspace) -> Client:
    client.force_login(owner)
    return client


def note(workspace, *actions: str, by: Actor = audit.SYSTEM, **more) -> None:
    write(workspace, *actions, by=by, **more)
    settle()


def shown(answer) -> list[str]:
    """The sentences of a page."""
    return [line.text for _, lines in answer.context["days"] for line in lines]


def file_of(answer) -> str:
    return b"".join(answer.streaming_content).decode()


class TestWords:
    def test_an_entry_reads_as_a_sentence_with_the_names_of_today(self, page, workspace, member):
        with workspace_scope(workspace.pk):
            channel = connect(workspace)
        note(workspace, "channel.renamed", by=Actor.member(member), target_id=channel.pk, fields=["name"])
        assert f"Ines Prado renamed {channel.name}" in shown(page.get(URL))
        with workspace_scope(workspace.pk):
            Channel.objects.filter(pk=channel.pk).update(name="Support desk")
        answer = page.get(URL)
        assert "Ines Prado renamed Support desk" in shown(answer)
        assert f'href="/w/northwind/settings/channels/{channel.pk}/"' in answer.content.decode()

    def test_who_and_what_are_spoken_of_even_when_they_are_gone(self, page, workspace):
        user = join(workspace, Role.AGENT)
        with workspace_scope(workspace.pk):
            leaver = Membership.objects.get(user=user)
            key = ApiKey.issue("Shop", ["audit.view"], None)[0]
        operator = User.objects.create_superuser("op@omnistra.example", "x", name="Olga")
        note(workspace, "conversation.opened", by=Actor.member(leaver), target_id=uuid7())
        note(workspace, "conversation.replied", by=Actor.api_key(key.pk), target_id=uuid7())
        note(workspace, "workspace.suspended", by=Actor.operator(operator.pk))
        note(workspace, "audit.shortened")
        with workspace_scope(workspace.pk):
            leaver.delete()
        assert shown(page.get(URL)) == [
            "Entries that had had their time were removed",
            "The operator Olga suspended the workspace",
            "The API key Shop replied in a conversation that was erased",
            "A former member opened a conversation that was erased",
        ]

    def test_who_has_left_is_still_named_and_can_still_be_filtered(self, page, workspace):
        user = join(workspace, Role.AGENT)
        with workspace_scope(workspace.pk):
            leaver = Membership.objects.get(user=user)
            note(workspace, "conversation.replied", by=Actor.member(leaver), target_id=uuid7())
            Membership.objects.filter(pk=leaver.pk).update(removed_at=timezone.now())
        note(workspace, "audit.shortened")
        answer = page.get(f"{URL}?actor={leaver.pk}")
        assert shown(answer) == ["Some Agent replied in a conversation that was erased"]
        assert "Former members" in answer.content.decode()

    def test_names_are_data_and_never_markup(self, page, workspace, owner, member):
        owner.name = "<script>{who}</script>"
        owner.save()
        note(workspace, "workspace.renamed", by=Actor.member(member))
        body = page.get(URL).content.decode()
        assert "<script>{who}" not in body and "&lt;script&gt;{who}" in body

    def test_an_action_of_another_version_is_shown_by_its_code_word(self, page, workspace):
        note(workspace, "rocket.launched")
        assert shown(page.get(URL)) == ["Omnistra itself: rocket.launched"]


class TestFilters:
    def test_by_group_person_kind_target_and_all_together(self, page, workspace, member):
        target = uuid7()
        note(workspace, "channel.renamed", by=Actor.member(member), target_id=target)
        note(workspace, "channel.checked", by=Actor.member(member))
        note(workspace, "retention.changed", by=Actor.member(member), target_id=target)
        note(workspace, "audit.shortened")

        def count(query: str) -> int:
            return len(shown(page.get(f"{URL}?{query}")))

        assert count("") == 4
        assert count("group=channels") == 2
        assert count(f"actor={member.pk}") == 3
        assert count("actor=system") == 1 and count("actor=operator") == 0
        assert count(f"target={target}") == 2
        assert count(f"target={target}&group=channels&actor={member.pk}") == 1
        assert count(f"actor={uuid7()}") == 0

    def test_by_days_both_included(self, workspace, member):
        note(workspace, *["channel.renamed"] * 3)
        now = timezone.now()
        with workspace_scope(workspace.pk), transaction.atomic():
            first, second, third = AuditEntry.objects.order_by("number")
            assert list(log.Filters(since=second.at).apply().order_by("number")) == [second, third]
            assert list(log.Filters(until=second.at).apply()) == [first]
            assert list(log.Filters(since=second.at, until=third.at).apply()) == [second]
            assert not log.Filters(since=now + timedelta(days=1)).apply().exists()
            assert not log.Filters(until=now - timedelta(days=1)).apply().exists()

    def test_a_day_on_the_page_is_a_whole_day(self, page, workspace):
        note(workspace, "channel.renamed")
        today, tomorrow = timezone.localdate(), timezone.localdate() + timedelta(days=1)
        assert len(shown(page.get(f"{URL}?since={today}&until={today}"))) == 1
        assert shown(page.get(f"{URL}?since={tomorrow}")) == []
        assert "No entry matches" in page.get(f"{URL}?since={tomorrow}").content.decode()

    @pytest.mark.parametrize(
        "query",
        [
            "group=nonsense", "actor=Lena", "actor=%00", "target=12", "since=yesterday", "since=0001-01-01",
            "until=9999-12-31", "since=2026-02-02&until=2026-02-01",
        ],
    )  # fmt: skip
    def test_nonsense_is_explained_and_shows_nothing(self, page, workspace, query):
        note(workspace, "channel.renamed")
        answer = page.get(f"{URL}?{query}")
        assert answer.status_code == 422 and shown(answer) == [] and b"errorlist" in answer.content
        assert b"Export" not in answer.content and b"rel=" not in answer.content.split(b"<main")[1]

    @pytest.mark.parametrize("cursor", ["before-0", "before--1", "before-x", "%00", "before-9" + "9" * 30])
    def test_a_cursor_that_is_none_begins_at_the_newest(self, page, workspace, cursor):
        note(workspace, "channel.renamed")
        assert len(shown(page.get(f"{URL}?cursor={cursor}"))) == 1


class TestPages:
    def test_older_and_newer_lead_through_all_entries_and_keep_the_filters(self, page, workspace):
        note(workspace, *["channel.renamed"] * (2 * log.PAGE + 5), "audit.shortened")
        numbers, query = [], "group=channels"
        for size in (log.PAGE, log.PAGE, 5):
            answer = page.get(f"{URL}?{query}")
            of_page = [line.entry.number for _, lines in answer.context["days"] for line in lines]
            assert len(of_page) == size
            numbers += of_page
            query = answer.context["older"]
        assert numbers == list(range(2 * log.PAGE + 5, 0, -1))
        assert answer.context["older"] == ""
        back = page.get(f"{URL}?{answer.context['newer']}")
        assert [line.entry.number for _, lines in back.context["days"] for line in lines] == list(range(55, 5, -1))

    def test_the_first_page_has_no_newer_one_and_the_last_no_older_one(self, page, workspace):
        note(workspace, *["channel.renamed"] * (log.PAGE + 1))
        first = page.get(URL)
        assert b'rel="next"' in first.content and b'rel="prev"' not in first.content
        last = page.get(f"{URL}?{first.context['older']}")
        assert b'rel="prev"' in last.content and b'rel="next"' not in last.content

    def test_a_page_takes_the_same_few_queries_however_much_there_is(self, page, workspace, member):
        with workspace_scope(workspace.pk):
            channel = connect(workspace)
            key = ApiKey.issue("Shop", ["audit.view"], None)[0]
        operator = User.objects.create_superuser("op@omnistra.example", "x", name="Olga")

        def everybody() -> None:
            for by in (Actor.member(member), Actor.api_key(key.pk), Actor.operator(operator.pk)):
                note(workspace, "channel.renamed", by=by, target_id=channel.pk)
                note(workspace, "conversation.opened", by=by, target_id=uuid7())
                note(workspace, "api_key.revoked", by=by, target_id=key.pk)

        def queries() -> int:
            with CaptureQueriesContext(connections["default"]) as seen:
                assert page.get(URL).status_code == 200
            return len([each for each in seen.captured_queries if "SAVEPOINT" not in each["sql"]])

        everybody()
        few = queries()
        for _ in range(6):
            everybody()
        assert queries() == few <= 16

    def test_the_log_of_another_workspace_is_not_found_and_not_mixed_in(self, page, workspace, other):
        note(other, "channel.renamed")
        assert shown(page.get(URL)) == []
        for address in ("", "heads/"):
            assert page.get(f"/w/elsewhere/settings/audit/{address}").status_code == 404
        for address in ("verify/", "export/", "mail/", "keeping/"):
            assert page.post(f"/w/elsewhere/settings/audit/{address}").status_code == 404
        assert len(entries(other)) == 1

    @pytest.mark.parametrize(
        ("role", "reads", "keeps"),
        [
            (Role.OWNER, True, True), (Role.ADMIN, True, True), (Role.PRIVACY_OFFICER, True, False),
            (Role.AGENT, False, False), (Role.VIEWER, False, False),
        ],
    )  # fmt: skip
    def test_who_reads_exports_and_decides(self, client, workspace, owner, role, reads, keeps):
        client.force_login(owner if role == Role.OWNER else join(workspace, role))
        assert client.get(URL).status_code == (200 if reads else 403)
        assert client.get(URL + "heads/").status_code == (200 if reads else 403)
        assert client.post(URL + "export/", {"format": "csv"}).status_code == (200 if reads else 403)
        assert client.post(URL + "mail/", {"wanted": "on"}).status_code == (302 if reads else 403)
        assert client.post(URL + "keeping/", {"months": 24}).status_code == (302 if keeps else 403)
        settle()
        actions = [entry.action for entry in entries(workspace)]
        assert actions == ["audit.exported"] * reads + ["audit.keeping_changed"] * keeps
        workspace.refresh_from_db()
        assert workspace.audit_months == (24 if keeps else 13)


class TestProof:
    def test_verify_now_keeps_a_head_and_the_page_says_how_far(self, page, workspace):
        assert b"Not verified yet" in page.get(URL).content
        note(workspace, "channel.renamed", "channel.checked")
        assert page.post(URL + "verify/").status_code == 302
        with workspace_scope(workspace.pk):
            head = AuditHead.objects.get()
        assert (head.number, head.broken_number, head.day) == (2, None, None)
        note(workspace, "channel.renamed")
        body = page.get(URL).content.decode()
        assert "Verified up to #2" in body and "1 entry since" in body and head.words[:16] in body
        assert page.get(URL + "heads/").content.decode() == f"{head.words}\n"
        assert chain.parse_heads([head.words]) == {2: bytes(head.hash)}

    def test_a_broken_chain_is_said_and_its_head_is_not_given_away(self, page, workspace):
        with workspace_scope(workspace.pk):
            AuditHead.objects.create(number=4, hash=bytes(32), broken_number=5)
        body = page.get(URL).content.decode()
        assert "Entry #5 is not as it was written" in body
        assert page.get(URL + "heads/").content == b""

    def test_a_long_chain_is_verified_by_a_job(self, page, workspace, monkeypatch, django_capture_on_commit_callbacks):
        from accounts import jobs
        from accounts.views import audit as views

        asked = []
        monkeypatch.setattr(jobs.verify_audit, "enqueue", lambda *args: asked.append(args))
        monkeypatch.setattr(views, "_WALKED_AT_ONCE", 1)
        note(workspace, "channel.renamed", "channel.renamed")
        assert page.post(URL + "verify/").status_code == 302
        assert asked == [(workspace.pk,)]
        with workspace_scope(workspace.pk):
            assert not AuditHead.objects.exists()
            assert jobs.verify_audit() == 2
            assert AuditHead.objects.get().number == 2

    def test_a_member_asks_for_the_daily_head_and_stops_it(self, page, workspace, member):
        page.post(URL + "mail/", {"wanted": "on"})
        with workspace_scope(workspace.pk):
            assert Membership.objects.get(pk=member.pk).gets_audit_heads
        page.post(URL + "mail/")
        with workspace_scope(workspace.pk):
            assert not Membership.objects.get(pk=member.pk).gets_audit_heads

    @pytest.mark.parametrize("months", ["5", "85", "", "x", "-1"])
    def test_months_out_of_reason_are_refused(self, page, workspace, months):
        assert page.post(URL + "keeping/", {"months": months}).status_code == 422
        workspace.refresh_from_db()
        assert workspace.audit_months == 13


class TestExport:
    def test_the_chain_can_be_verified_from_the_json_alone(self, page, workspace, member):
        note(workspace, "channel.renamed", by=Actor.member(member), target_id=uuid7(), fields=["name", "status"])
        note(workspace, "audit.shortened", "channel.checked")
        answer = page.post(URL + "export/", {"format": "json"})
        assert answer["Cache-Control"] == "no-store" and "northwind-audit-" in answer["Content-Disposition"]
        told = json.loads(file_of(answer))
        previous = bytes.fromhex(told["start"]["hash"])
        for entry in told["entries"]:
            row = AuditEntry(
                workspace_id=told["workspace"], id=entry["id"], number=entry["number"], action=entry["action"],
                at=timezone.datetime.fromisoformat(entry["at"]), actor_kind=entry["actor_kind"],
                actor_id=entry["actor_id"], target_id=entry["target_id"], fields=entry["fields"],
            )  # fmt: skip
            previous = chain.link(previous, row)
            assert previous.hex() == entry["hash"]
        assert told["end"] == {"number": 3, "hash": previous.hex()}
        assert told["entries"][0]["text"].startswith("Ines Prado renamed")

    def test_an_empty_log_is_an_empty_file_of_the_same_form(self, page, workspace):
        told = json.loads(file_of(page.post(URL + "export/", {"format": "json"})))
        assert told["entries"] == [] and told["start"] == told["end"] == {"number": 0, "hash": "00" * 32}
        assert file_of(page.post(URL + "export/", {"format": "csv"})).count("\n") == 1

    @pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1", "\r=1"])
    def test_no_cell_of_the_csv_is_a_formula(self, page, workspace, owner, member, name):
        User.objects.filter(pk=owner.pk).update(name=name)
        note(workspace, "channel.renamed", by=Actor.member(member))
        rows = list(csv.DictReader(io.StringIO(file_of(page.post(URL + "export/", {"format": "csv"})), newline="")))
        assert rows[0]["actor"] == f"'{name}"
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())

    def test_what_is_safe_stays_as_it_is(self):
        assert safe_cell("Ines") == "Ines" and safe_cell(None) == "" and safe_cell(["name", "status"]) == "name status"

    def test_it_holds_what_the_filters_show_in_chunks_as_in_one(self, page, workspace, monkeypatch):
        from accounts.audit import export

        note(workspace, *["channel.renamed"] * 7, "audit.shortened")
        monkeypatch.setattr(export, "CHUNK", 3)
        body = file_of(page.post(URL + "export/", {"format": "csv", "group": "channels"}))
        assert [row["number"] for row in csv.DictReader(io.StringIO(body))] == [str(number) for number in range(1, 8)]

    def test_it_is_recorded_with_its_form_and_filters(self, page, workspace, member):
        page.post(URL + "export/", {"format": "json", "group": "channels", "actor": "system"})
        settle()
        entry = entries(workspace)[-1]
        assert (entry.action, entry.actor_id, entry.fields) == (
            "audit.exported", member.pk, ["json", "group", "actor_kind"],
        )  # fmt: skip

    @pytest.mark.parametrize(
        "form", [{}, {"format": "xlsx"}, {"format": "csv", "group": "x"}, {"format": "csv", "since": "x"}]
    )
    def test_nonsense_exports_nothing_and_records_nothing(self, page, workspace, form):
        assert page.post(URL + "export/", form).status_code == 422
        settle()
        assert entries(workspace) == []

    def test_it_takes_one_query_more_for_a_chunk_and_not_for_an_entry(self, page, workspace, member):
        def queries() -> int:
            with CaptureQueriesContext(connections["default"]) as seen:
                file_of(page.post(URL + "export/", {"format": "csv", "group": "channels"}))
            return len([each for each in seen.captured_queries if "SAVEPOINT" not in each["sql"]])

        note(workspace, "channel.renamed", by=Actor.member(member))
        few = queries()
        note(workspace, *["channel.renamed"] * 40, by=Actor.member(member))
        assert queries() == few


class TestApi:
    @pytest.fixture
    def api(self, workspace) -> Client:
        with workspace_scope(workspace.pk):
            secret = ApiKey.issue("audit", [str(Permission.AUDIT_VIEW)], None)[1]
        return Client(headers={"Authorization": f"Bearer {secret}"})

    def test_entries_come_in_pages_that_lead_to_each_other(self, api, workspace, member):
        note(workspace, *["channel.renamed"] * 5, by=Actor.member(member), fields=["name"])
        first = api.get("/api/v1/audit/?limit=2").json()
        assert [entry["number"] for entry in first["results"]] == [5, 4] and first["previous"] is None
        second = api.get(first["next"]).json()
        assert [entry["number"] for entry in second["results"]] == [3, 2]
        last = api.get(second["next"]).json()
        assert [entry["number"] for entry in last["results"]] == [1] and last["next"] is None
        assert api.get(last["previous"]).json()["results"] == second["results"]
        row = entries(workspace)[0]
        assert last["results"][0] == {
            "id": str(row.pk), "number": 1, "at": row.at.isoformat().replace("+00:00", "Z"), "action": "channel.renamed",
            "actor_kind": "member", "actor": str(member.pk), "target": None, "fields": ["name"],
            "hash": bytes(row.hash).hex(),
        }  # fmt: skip

    def test_filters(self, api, workspace, member):
        target = uuid7()
        note(workspace, "channel.renamed", "retention.changed", by=Actor.member(member), target_id=target)
        note(workspace, "audit.shortened")

        def count(**query: object) -> int:
            return len(api.get("/api/v1/audit/", query).json()["results"])

        assert count() == 3
        assert count(group="channels") == count(action="audit.shortened") == count(actor_kind="system") == 1
        assert count(actor=member.pk) == count(target=target) == 2
        assert count(since=timezone.now().isoformat()) == 0 and count(until=timezone.now().isoformat()) == 3

    @pytest.mark.parametrize(
        "query",
        ["group=x", "action=x", "actor=1", "actor_kind=x", "target=1", "since=x", "until=x", "cursor=x", "limit=0"],
    )
    def test_nonsense_is_a_bad_request(self, api, query):
        answer = api.get(f"/api/v1/audit/?{query}")
        assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"

    def test_a_key_without_the_scope_and_a_key_of_another_workspace_see_nothing(self, workspace, other):
        note(workspace, "channel.renamed")
        with workspace_scope(workspace.pk):
            weak = ApiKey.issue("weak", [str(Permission.CONVERSATIONS_VIEW)], None)[1]
        with workspace_scope(other.pk):
            foreign = ApiKey.issue("foreign", [str(Permission.AUDIT_VIEW)], None)[1]
        assert Client(headers={"Authorization": f"Bearer {weak}"}).get("/api/v1/audit/").status_code == 403
        answer = Client(headers={"Authorization": f"Bearer {foreign}"}).get("/api/v1/audit/")
        assert answer.json()["results"] == []
