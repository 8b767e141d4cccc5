"""The day's end of the audit log: old entries go, what stays is verified, its head is kept and mailed."""

from datetime import date

import pytest
from django.core import mail
from django.db import transaction

from accounts import jobs
from accounts.audit import chain, daily
from accounts.models import AuditHead, Membership
from accounts.roles import Role
from omnistra.core.tenancy import workspace_scope
from tests.accounts.audit.tools import age, as_owner, entries, without_triggers, write
from tests.conftest import join

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.clause("12a")]
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def heads(workspace) -> list[AuditHead]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(AuditHead.objects.order_by("at"))


def test_each_workspace_gets_one_head_a_day_however_often_it_runs(workspace, other):
    write(workspace, "channel.renamed", "channel.renamed")
    assert daily.run(MONDAY) == 2
    assert daily.run(MONDAY) == 0
    assert daily.run(TUESDAY) == 2
    assert [(head.day, head.number, head.broken_number) for head in heads(workspace)] == [
        (MONDAY, 2, None), (TUESDAY, 2, None),
    ]  # fmt: skip
    assert len(heads(other)) == 2 and mail.outbox == []


def test_what_has_had_its_time_goes_and_the_chain_stays_verifiable(workspace):
    write(workspace, *["channel.renamed"] * 5)
    age(workspace, 400)
    write(workspace, "channel.checked")
    jobs.audit_day()
    assert [row.action for row in entries(workspace)] == ["channel.checked", "audit.shortened"]
    head = heads(workspace)[0]
    assert (head.number, head.broken_number) == (7, None)
    assert chain.verify(workspace.pk, chain.parse_heads([head.words])).broken is None


def test_the_head_is_mailed_to_whom_asked_for_it_and_may_read_the_log(workspace, owner):
    officer, agent = join(workspace, Role.PRIVACY_OFFICER), join(workspace, Role.AGENT)
    with workspace_scope(workspace.pk), transaction.atomic():
        for member in Membership.objects.filter(user__in=[officer, agent]):
            member.want_audit_heads(True)
    write(workspace, "channel.renamed")
    daily.run(MONDAY)
    [sent] = mail.outbox
    assert sent.to == [officer.email] and heads(workspace)[0].words in sent.body
    assert "verified up to #1" in sent.subject and "/w/northwind/settings/audit/" in sent.body


def test_a_broken_chain_is_told_to_every_owner_unasked(workspace, owner):
    write(workspace, *["channel.renamed"] * 3)
    with without_triggers():
        as_owner("UPDATE accounts_auditentry SET action = 'channel.connected' WHERE number = 2")
    daily.run(MONDAY)
    [sent] = mail.outbox
    assert sent.to == [owner.email] and "#2" in sent.body and heads(workspace)[0].broken_number == 2


def test_a_mail_that_cannot_be_sent_costs_no_head_and_no_other_workspace(workspace, other, owner, monkeypatch):
    def refuse(*args: object, **more: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(daily, "send_mail", refuse)
    with workspace_scope(workspace.pk), transaction.atomic():
        Membership.objects.get(user=owner).want_audit_heads(True)
    assert daily.run(MONDAY) == 2
    assert len(heads(workspace)) == len(heads(other)) == 1


def test_one_workspaces_trouble_holds_up_no_other(workspace, other, monkeypatch):
    whole = chain.take_head

    def fail(workspace_id, day):
        if workspace_id == workspace.pk:
            raise ValueError
        return whole(workspace_id, day)

    monkeypatch.setattr(chain, "take_head", fail)
    assert daily.run(MONDAY) == 1
    monkeypatch.undo()
    assert daily.run(MONDAY) == 1, "it is made up for"
    assert len(heads(workspace)) == len(heads(other)) == 1
