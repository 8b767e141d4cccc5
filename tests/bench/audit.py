"""The audit log: what an entry adds to an answer, how fast the chain is walked, what a page costs at a million entries."""

import threading
import time
from pathlib import Path
from statistics import median
from unittest import mock
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor, chain
from accounts.models import AuditEntry, Membership
from channels_app.models import Channel
from conversations import replies
from conversations.models import Contact, Conversation
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope
from tests.bench import stage
from tests.bench.figures import Figure

ENTRIES = 1_000_000
REPLIES = 400
# A log as a busy year leaves it: nine of ten entries say who opened what; by 50 members, about 20,000 conversations.
_FILL = """
    INSERT INTO accounts_auditentry (id, workspace_id, action, actor_kind, actor_id, target_id, fields, at, number, hash)
    SELECT gen_random_uuid(), '{workspace}',
        CASE WHEN n %% 10 > 0 THEN 'conversation.opened' WHEN n %% 20 = 0 THEN 'conversation.replied'
             WHEN n %% 1000 = 10 THEN 'channel.checked' ELSE 'conversation.assigned' END,
        'member', md5('member' || n %% 50)::uuid, md5('target' || n %% 20011)::uuid, '{{}}',
        now() - make_interval(secs => 25 * ({entries} - n)), n, sha256('')
    FROM generate_series(1, {entries}) AS n
"""
_CHAIN = """
DO $$ DECLARE one accounts_auditentry; previous bytea := decode(repeat('00', 32), 'hex'); BEGIN
    FOR one IN SELECT * FROM accounts_auditentry WHERE workspace_id = '{workspace}' ORDER BY number LOOP
        previous := accounts_audit_hash(previous, one);
        UPDATE accounts_auditentry SET hash = previous WHERE id = one.id;
    END LOOP;
    INSERT INTO accounts_auditchain (id, workspace_id, number, hash, at, removed_number, removed_hash)
    VALUES (gen_random_uuid(), '{workspace}', one.number, previous, one.at, 0, decode(repeat('00', 32), 'hex'));
END $$
"""


def run(folder: Path) -> list[Figure]:
    """The figures."""
    return [*_replies(), _writers(), *_reading()]


def _conversation(channel: Channel) -> Conversation:
    identity = uuid7()
    keyring.contact_keys(channel.workspace_id, {identity})
    contact = Contact.objects.create(id=identity, name="Ada")
    now = timezone.now()
    return Conversation.objects.create(channel=channel, contact=contact, last_message_at=now, last_inbound_at=now)


def _replies() -> list[Figure]:
    """Answers with their entry and without, in turns."""
    workspace, channel, owner = stage.open_workspace("answers")
    member = Membership.of_user(owner)[0]
    times: dict[bool, list[float]] = {True: [], False: []}
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            conversation = _conversation(channel)
        for number in range(REPLIES):
            recorded = number % 2 == 0
            with mock.patch.object(audit, "record", audit.record if recorded else lambda *_, **__: None):
                begun = time.perf_counter()
                replies.send_reply(conversation, "On its way", Actor.member(member))
                times[recorded].append((time.perf_counter() - begun) * 1000)
    stage.settle_tables()
    recorded, bare = median(times[True]), median(times[False])
    beside = f"{recorded:.2f} ms, without its entry {bare:.2f} ms"
    return [
        Figure("answer with its audit entry", recorded / bare, "x", most=1.35, beside=beside),
        Figure("audit entry in an answer", recorded - bare, "ms", most=2, beside=beside),
    ]


def _writers() -> Figure:
    """Eight writers of one workspace against eight of eight workspaces: what waiting for the chain costs."""
    workspaces = [stage.open_workspace(f"{number}writer")[0].pk for number in range(8)]

    def rate(of: list[UUID]) -> float:
        def work(workspace_id: UUID) -> None:
            for _ in range(250):
                with workspace_scope(workspace_id), transaction.atomic():
                    audit.record("channel.renamed", audit.SYSTEM)
            connections.close_all()

        threads = [threading.Thread(target=work, args=[each]) for each in of]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(of) * 250 / (time.perf_counter() - begun)

    apart, together = rate(workspaces), rate(workspaces[:1] * 8)
    return Figure(
        "audit entries, 8 writers in one workspace", together, "entries/s", least=300,
        beside=f"{apart:,.0f}/s in 8 workspaces",
    )  # fmt: skip


def _reading() -> list[Figure]:
    workspace, _, _ = stage.open_workspace("million")
    stage.as_owner("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
    stage.as_owner(_FILL.format(workspace=workspace.pk, entries=ENTRIES).replace("%%", "%"))
    stage.as_owner("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")
    stage.as_owner(_CHAIN.format(workspace=workspace.pk))
    stage.settle_tables()
    begun = time.perf_counter()
    proof = chain.verify(workspace.pk)
    seconds = time.perf_counter() - begun
    if proof.broken or proof.number != ENTRIES:
        raise RuntimeError(f"{proof}")
    with workspace_scope(workspace.pk), transaction.atomic():
        AuditEntry.objects.count()
    return [
        Figure(
            "audit chain verified", ENTRIES / seconds, "entries/s", least=30_000, beside=f"{seconds:.1f} s a million"
        )
    ]
