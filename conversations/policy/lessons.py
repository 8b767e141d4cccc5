"""What a platform's refusal teaches: the conversation's window is corrected, the person's state is noted, the opt-out is
written down; the channel comes to a standstill. The same for the answer to a call and for a status that comes later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from channels_app import stops
from channels_app.contract import ChannelStopped, Classifies, PolicyRefused, ProviderError
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.models import Contact, Conversation, Message, OptIn
from conversations.opt_ins import ledger
from conversations.opt_ins.ledger import Entry
from conversations.policy.engine import WITH_TEMPLATES
from conversations.policy.words import REFUSALS, TEMPLATE_INSTEAD, TOMORROW

MARKETING_PAUSE = timedelta(hours=24)  # providers/whatsapp.md 14: 131049
# Reason -> the column of the conversation that holds when it was.
_NOTED = {
    "window_closed": "window_lost_at", "not_reachable": "unreachable_at", "too_often": "marketing_after",
    "identity_changed": "identity_refused_at",
}  # fmt: skip
Case = tuple[UUID, UUID, datetime]  # conversation, contact, when the platform refused


def next_step(error: ProviderError, channel: Channel) -> str:
    """What to do after a refusal, for whoever wrote the message; "" where its words say it all."""
    if not isinstance(error, PolicyRefused) or error.reason not in REFUSALS:
        return ""
    if error.reason == "window_closed" and channel.provider in WITH_TEMPLATES:
        return str(TEMPLATE_INSTEAD)
    return str(TOMORROW if error.reason == "too_often" else REFUSALS[error.reason][1])


def error_of(channel: Channel, code: int | None, detail: str = "") -> ProviderError | None:
    """The typed error of a status's code; None where the platform has none."""
    platform = provider(channel.provider)
    return platform.error_of(code, detail) if code is not None and isinstance(platform, Classifies) else None


def learn(channel: Channel, reason: str, cases: Sequence[Case]) -> None:
    """Note one reason (of PolicyRefused) of many cases, set-wise. In the workspace's scope and a transaction. Of a
    conversation that was erased meanwhile nothing is noted."""
    if reason in _NOTED:
        pause = MARKETING_PAUSE if reason == "too_often" else timedelta()
        _write(
            Conversation, _NOTED[reason], {talk: at + pause for talk, _, at in sorted(cases, key=lambda case: case[2])}
        )
        if reason == "identity_changed":
            _write(Contact, "identity_changed_at", {contact: at for _, contact, at in cases})
    elif reason == "other_app":
        ours = Conversation.objects.filter(pk__in=[talk for talk, _, _ in cases], held_by="")
        ours.update(held_by=Conversation.HELD_BY_SOMEBODY)
    elif reason == "opted_out":
        there = set(Contact.objects.filter(pk__in=[who for _, who, _ in cases]).values_list("pk", flat=True))
        ledger.record_told(
            [
                Entry(who, channel.provider, ledger.MARKETING, False, OptIn.Source.PLATFORM, at)
                for _, who, at in cases
                if who in there
            ]
        )


def _write(model: type[Conversation] | type[Contact], column: str, times: Mapping[UUID, datetime]) -> None:
    """One column of many rows, each with its own time, in one statement. Table and column are names of ours."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {column} = n.at FROM unnest(%s::uuid[], %s::timestamptz[]) AS n(id, at) "  # noqa: S608
            "WHERE t.id = n.id",
            [list(times), list(times.values())],
        )


def held_back(message: Message) -> bool:
    """Whether the platform refused this message because the person had too many."""
    error = error_of(message.channel, message.error_code)
    return isinstance(error, PolicyRefused) and error.reason == "too_often"


def from_statuses(failed: Sequence[tuple[Message, Channel, int, datetime]]) -> None:
    """What failed statuses teach: (message, its channel, the code, the platform's time). In the workspace's scope and the
    transaction that stores the statuses. A few queries for each channel and reason, whatever the number of statuses."""
    lessons: dict[tuple[UUID, str], list[Case]] = {}
    halts: dict[UUID, ChannelStopped] = {}
    channels = {channel.pk: channel for _, channel, _, _ in failed}
    for message, channel, code, at in failed:
        error = error_of(channel, code)
        if isinstance(error, PolicyRefused):
            case = (message.conversation_id, message.contact_id, at)
            lessons.setdefault((channel.pk, error.reason), []).append(case)
        elif isinstance(error, ChannelStopped):
            halts.setdefault(channel.pk, error)
    for (channel_id, reason), cases in lessons.items():
        learn(channels[channel_id], reason, cases)
    for channel_id, error in halts.items():
        stops.note(channel_id, error)
