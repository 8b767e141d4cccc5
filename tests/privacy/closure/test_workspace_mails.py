"""The owners of a workspace are told when it closes, when that is undone, and before the end."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts import members
from accounts.members import Place
from accounts.models import Membership, User
from accounts.roles import Role
from omnistra.core import jobs as core_jobs
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import closure, closure_mails, jobs
from privacy.models import Closure
from tests.conftest import join


@pytest.fixture
def enqueued(monkeypatch) -> list[tuple[str, tuple[str, ...]]]:
    """What was put on the broker; `work` runs it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    monkeypatch.setattr(core_jobs, "_publish", lambda name, args: found.append((name, args)))
    return found


def work(enqueued) -> None:
    while enqueued:
        name, (workspace_id, *ids) = enqueued.pop(0)
        assert name == "privacy.tell_of_closing"
        with workspace_scope(UUID(workspace_id)):
            jobs.tell_of_closing(*map(UUID, ids))


@pytest.fixture
def owners(committed, workspace, member) -> set[str]:
    """Two owners, and two people who are none."""
    agent = join(workspace, Role.AGENT)
    join(workspace, Role.ADMIN)
    with workspace_scope(workspace.pk), transaction.atomic():
        heir = Membership.objects.get(user=agent)
    members.change(member, heir.pk, Place(Role.OWNER))
    return {member.user.email, agent.email}


def close(workspace, member) -> None:
    with workspace_scope(workspace.pk):
        closure.close_workspace(workspace.pk, member)


def due_in(workspace, **time) -> None:
    with transaction.atomic(), system_scope("test"):
        Closure.objects.filter(subject_id=workspace.pk).update(due_at=timezone.now() + timedelta(**time))


def take() -> tuple[set[str], set[str]]:
    """Addresses and subjects of what was sent since last time; each mail goes to one person alone."""
    assert all(len(each.to) == 1 and not each.cc and not each.bcc for each in mail.outbox)
    found = {each.to[0] for each in mail.outbox}, {each.subject for each in mail.outbox}
    mail.outbox.clear()
    return found


def test_every_owner_and_nobody_else_is_told_that_it_closes_by_whom_and_until_when_it_can_be_undone(
    owners, workspace, member, enqueued
):
    close(workspace, member)
    assert mail.outbox == [], "not in the transaction or the request: by a job"
    work(enqueued)
    body = mail.outbox[0].body
    assert "Ines Prado" in body and "UTC" in body and f"/w/{workspace.slug}/settings/workspace/" in body
    assert take() == (owners, {"Northwind Tea is closing"})


def test_they_are_told_that_it_was_undone(owners, workspace, member, enqueued):
    close(workspace, member)
    work(enqueued)
    take()
    with workspace_scope(workspace.pk):
        closure.keep_workspace(workspace.pk, member)
    work(enqueued)
    assert take() == (owners, {"Northwind Tea stays open"})


def test_a_closing_that_is_refused_or_not_committed_is_told_to_nobody(owners, workspace, member, enqueued):
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        close(workspace, member)
        raise KeyboardInterrupt
    with pytest.raises(closure.NotPossible), workspace_scope(workspace.pk):
        closure.keep_workspace(workspace.pk, member)
    assert enqueued == [] and mail.outbox == []


def test_three_days_before_the_end_they_are_told_once(owners, workspace, member, enqueued):
    close(workspace, member)
    due_in(workspace, days=3, minutes=1)
    assert jobs.announce_endings() == 0
    due_in(workspace, days=2, hours=23)
    assert jobs.announce_endings() == 1
    assert take() == (owners, {"Northwind Tea is erased soon"})
    assert jobs.announce_endings() == 0 and mail.outbox == []


def test_what_was_undone_or_is_over_is_not_announced(owners, workspace, member, enqueued):
    close(workspace, member)
    due_in(workspace, minutes=-1)
    assert jobs.announce_endings() == 0
    due_in(workspace, days=2)
    with workspace_scope(workspace.pk):
        closure.keep_workspace(workspace.pk, member)
    assert jobs.announce_endings() == 0 and mail.outbox == []


def test_a_mail_server_that_is_away_postpones_the_announcement(owners, workspace, member, enqueued, monkeypatch):
    close(workspace, member)
    due_in(workspace, days=2)

    def away(*args):
        raise OSError("away")

    with monkeypatch.context() as patch:
        patch.setattr(closure_mails.mails, "send", away)
        assert jobs.announce_endings() == 0
    assert jobs.announce_endings() == 1
    assert take()[0] == owners


def test_an_owner_who_may_not_sign_in_any_more_gets_no_mail(owners, workspace, member, enqueued):
    User.objects.filter(email="agent@northwind.example").update(is_active=False)
    close(workspace, member)
    work(enqueued)
    assert take()[0] == {"ines@northwind.example"}
