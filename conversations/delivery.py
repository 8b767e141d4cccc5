"""The outbox: claims deliveries, asks the policy engine once more, calls the provider outside any transaction, records
what came of it.

1. The claim is committed before the call: a kill in between leaves `sending`, which becomes `unknown`, never a
   second try. A status that echoes the delivery's id settles it.
2. One message of a conversation at a time, oldest first, but for those that have to wait long; a number sends no
   faster than the platform allows.
3. Answers go before what campaigns send, within a conversation too; part of a number's rate and of the calls is theirs
   alone.
4. Only this module calls a provider's `send`.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.audit import SYSTEM, Actor
from channels_app import stops
from channels_app.contract import (
    ChannelStopped,
    CredentialsRefused,
    OutboundMedia,
    Permanent,
    PolicyRefused,
    ProviderError,
    Retryable,
    Unknown,
)
from channels_app.models import Channel
from channels_app.registry import provider
from channels_app.templates import events as template_events
from conversations import media, outgoing, policy, statuses
from conversations.ingest import echoes
from conversations.models import Attachment, Delivery, Handle, Message
from omnistra.core import live, reports
from omnistra.core.keyring import KeyMissing, SealBroken
from omnistra.core.logs import frames, get_logger
from omnistra.core.sealing import preload
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
LEASE = timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
_LONGEST_BACKOFF = 600  # seconds
CALLS = 32  # under way in this process
AT_ONCE = 8  # of them for one channel; more for one that may send fast
FOR_REPLIES = 2  # of those of one channel: none of a campaign's
CALLS_FOR_REPLIES = 8  # of all of this process
TOGETHER = 3  # messages of a campaign at least: a claim costs as much for several as for one
HOLDS_OTHERS = timedelta(minutes=30)  # a message that waits longer lets later ones of its conversation pass
OFFER_AFTER = timedelta(minutes=settings.DELIVERY_OFFER_MINUTES)
LOOK_AGAIN_SECONDS = 0.2  # while calls are under way, for what became due meanwhile
_LIVE = [Delivery.State.QUEUED, Delivery.State.SENDING]


class _Refused(Permanent):
    """The policy engine says no, right before the call."""

    def __init__(self, refused: policy.Refused) -> None:
        super().__init__(refused.reason)
        self.next_step = refused.next_step


@dataclass(frozen=True, slots=True)
class _Claim:
    """A delivery to carry out, with everything opened that the call needs."""

    delivery: Delivery
    message: Message
    channel: Channel
    handles: dict[str, str]
    reply_to: str
    attachment: Attachment | None
    verdict: policy.Verdict


def deliver() -> int:
    """Send what is due until nothing is; gives how many deliveries were settled or put off.

    A channel has AT_ONCE calls under way at most, so that a slow platform holds up none but its own channel.
    """
    total = 0
    settle_lost()
    running: dict[Future[None], tuple[UUID, int]] = {}
    troubled: set[UUID] = set()
    with ThreadPoolExecutor(max_workers=CALLS, thread_name_prefix="deliver") as pool:
        while True:
            for workspace_id, channel_id, rate in _due_channels():
                room = _room(running.values(), channel_id, rate)
                if room.all > 0 and channel_id not in troubled:
                    with _its_own_trouble(channel_id, troubled):
                        with workspace_scope(workspace_id):
                            claims = _claim(channel_id, room)
                        running |= {
                            pool.submit(_carry_out, claim): (channel_id, claim.delivery.priority) for claim in claims
                        }
            if not running:
                return total
            done, _ = wait(running, LOOK_AGAIN_SECONDS, FIRST_COMPLETED)
            for call in done:
                with _its_own_trouble(running.pop(call)[0], troubled):
                    call.result()
            total += len(done)


@dataclass(frozen=True, slots=True)
class _Room:
    """How many calls a channel may begin now; `campaigns` of them may be a campaign's."""

    all: int
    campaigns: int


def _room(running: Collection[tuple[UUID, int]], channel_id: UUID, rate: int) -> _Room:
    mine = [priority for channel, priority in running if channel == channel_id]
    bulk = [channel for channel, priority in running if priority]
    at_once = max(AT_ONCE, min(CALLS - CALLS_FOR_REPLIES, rate // 20))
    free = min(CALLS - len(running), at_once - len(mine))
    campaigns = min(free, CALLS - CALLS_FOR_REPLIES - len(bulk), at_once - FOR_REPLIES - bulk.count(channel_id))
    return _Room(free, campaigns if campaigns >= TOGETHER else 0)


@contextmanager
def _its_own_trouble(channel_id: UUID, troubled: set[UUID]) -> Iterator[None]:
    """What fails at one channel is said and leaves the others going; it is tried again by the next run. A database that
    is away is everybody's trouble: raises OperationalError."""
    try:
        yield
    except OperationalError:
        raise
    except Exception as error:
        troubled.add(channel_id)
        log.error("delivery.channel_failed", channel=channel_id, trace=frames(error))
        reports.capture(error)


def _due_channels() -> list[tuple[UUID, UUID, int]]:
    """Workspace, channel and its rate, of what is due."""
    with transaction.atomic(), system_scope("conversations.deliver"):
        due = Delivery.objects.filter(
            state=Delivery.State.QUEUED,
            next_attempt_at__lte=timezone.now(),
            workspace__suspended_at__isnull=True,
            workspace__closing_at__isnull=True,
        )
        channels = list(due.values_list("workspace_id", "channel_id", "channel__messages_per_second").distinct())
    random.shuffle(channels)  # who comes first when the calls run out is nobody's right
    return channels


def settle_lost() -> int:
    """Deliveries whose call never reported back are `unknown` from now on; gives how many."""
    with transaction.atomic(), system_scope("conversations.settle_lost"):
        lost = list(
            Delivery.objects.filter(state=Delivery.State.SENDING, claimed_at__lt=timezone.now() - LEASE)
            .select_for_update(skip_locked=True)
            .values_list("pk", "message_id", "workspace_id", "conversation_id", "channel_id")
        )
        Delivery.objects.filter(pk__in=[row[0] for row in lost]).update(
            state=Delivery.State.UNKNOWN, settled_at=timezone.now()
        )
        Message.objects.filter(pk__in=[row[1] for row in lost], status__in=["queued", "sending"]).update(
            status=Message.Status.UNKNOWN
        )
        for _, _, workspace_id, conversation_id, channel_id in lost:
            live.publish(workspace_id, "status", {conversation_id: channel_id})
    return len(lost)


def _claim(channel_id: UUID, room: _Room) -> list[_Claim]:
    """Take what may go out on a channel now, within its rate. One claimer a channel at a time; who stores messages of the
    channel meanwhile (their references hold its row too) does not hold it up."""
    now = timezone.now()
    with transaction.atomic():
        channel = Channel.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=channel_id).first()
        if channel is None or channel.status != Channel.Status.ACTIVE:
            return []
        if channel.paused_until and channel.paused_until > now:
            return []
        elapsed = max(0.0, (now - channel.send_credit_at).total_seconds())
        credit = min(float(channel.messages_per_second), channel.send_credit + elapsed * channel.messages_per_second)
        answers = min(room.all, int(credit))
        earlier = Delivery.objects.filter(
            conversation_id=OuterRef("conversation_id"),
            state__in=_LIVE,
            pk__lt=OuterRef("pk"),
            next_attempt_at__lt=now + HOLDS_OTHERS,
            priority__lte=OuterRef("priority"),
        )
        waiting = (
            Delivery.objects.filter(channel_id=channel_id, state=Delivery.State.QUEUED, next_attempt_at__lte=now)
            .exclude(Exists(earlier))
            .order_by("pk")
            .select_for_update(skip_locked=True, of=("self",))
        )
        due = list(waiting.filter(priority=Delivery.Priority.REPLY)[:answers])
        campaigns = min(answers - len(due), room.campaigns, _for_campaigns(channel, credit - len(due), now))
        if campaigns > 0:
            due += waiting.filter(priority=Delivery.Priority.CAMPAIGN)[:campaigns]
        if not due:
            return []
        channel.send_credit, channel.send_credit_at = credit - len(due), now
        channel.save(update_fields=["send_credit", "send_credit_at"])
        for delivery in due:
            delivery.state, delivery.claimed_at = Delivery.State.SENDING, now
            delivery.attempts += 1
        Delivery.objects.bulk_update(due, ["state", "claimed_at", "attempts"])
        Message.objects.filter(pk__in=[each.message_id for each in due], status="queued").update(status="sending")
        return _open(channel, due)


def campaign_rate(channel: Channel) -> int:
    """How many messages of campaigns a channel sends within any second at the most: the rest of its rate is for answers."""
    return max(1, int(channel.messages_per_second * (1 - settings.CAMPAIGN_KEEPS_FREE)))


def _for_campaigns(channel: Channel, credit: float, now: datetime) -> int:
    """How many of a campaign may go out now. The bucket keeps what it needs for answers to find it filled; and because a
    full bucket would let twice a second's worth out at first, the last second is counted."""
    lately = Delivery.objects.filter(
        channel_id=channel.pk, priority=Delivery.Priority.CAMPAIGN, claimed_at__gt=now - timedelta(seconds=1)
    )
    kept = channel.messages_per_second - campaign_rate(channel)
    return min(int(credit - kept), campaign_rate(channel) - lately.count())


def _open(channel: Channel, due: Sequence[Delivery]) -> list[_Claim]:
    """Load and open what the calls need, set-wise, while the transaction is there."""
    messages = Message.objects.select_related("conversation__channel").in_bulk([each.message_id for each in due])
    contacts = {message.contact_id for message in messages.values()}
    handles = list(Handle.objects.filter(contact_id__in=contacts, provider=channel.provider, ended_at=None))
    files = {file.message_id: file for file in Attachment.objects.filter(message_id__in=messages)}
    quoted_hashes = {bytes(each.reply_to_hash) for each in messages.values() if each.reply_to_hash}
    there = Message.objects.filter(channel=channel, external_hash__in=quoted_hashes, external_id__isnull=False)
    quoted = list(there) if quoted_hashes else []  # one that was taken back is not quoted
    preload([channel, *messages.values(), *handles, *files.values(), *quoted])
    by_hash = {bytes(each.external_hash): each.external_id for each in quoted}
    facts = policy.look_up([message.conversation for message in messages.values()])
    claims = []
    for delivery in due:
        message = messages[delivery.message_id]
        # What a campaign sends is nobody's answer, whoever started it.
        by = SYSTEM if delivery.priority else Actor(message.instructed_by_kind, message.instructed_by_id)
        verdict = policy.decide(facts[message.conversation_id], by, policy.outgoing(message))
        if _out_of_date(delivery, channel):
            verdict = policy.Verdict(_OUT_OF_DATE)
        claims.append(
            _Claim(
                delivery=delivery,
                message=message,
                channel=channel,
                handles={each.kind: each.value for each in handles if each.contact_id == message.contact_id},
                reply_to=by_hash.get(bytes(message.reply_to_hash), "") if message.reply_to_hash else "",
                attachment=files.get(message.pk),
                verdict=verdict,
            )
        )
        message.text, channel.credentials  # noqa: B018  (opened here: the calling thread has no transaction)
    return claims


def _out_of_date(delivery: Delivery, channel: Channel) -> bool:
    """Whether it waited for long while its channel stood still: then somebody is to look at it first."""
    if channel.stopped_at is None or delivery.created_at > channel.stopped_at:
        return False
    return timezone.now() - delivery.created_at > OFFER_AFTER


_OUT_OF_DATE = policy.Refused(
    "waited_too_long",
    "This waited while the channel stood still.",
    "Send it again if it still holds.",
)


def _carry_out(claim: _Claim) -> None:
    """Call the provider and record the outcome. Runs in a thread of its own, outside any transaction."""
    try:
        try:
            external_id = _send(claim)
        except ProviderError as error:
            _record_error(claim, error)
        else:
            _record_sent(claim, external_id)
    finally:
        connections.close_all()


def _send(claim: _Claim) -> str:
    if refused := claim.verdict.refused:
        raise _Refused(refused)
    with ExitStack() as stack:
        outbound: OutboundMedia | None = None
        if claim.attachment is not None:
            outbound = stack.enter_context(_file(claim.attachment))
        message = replace(
            outgoing.outbound(
                claim.message.type, claim.message.content or {}, handles=claim.handles,
                reference=str(claim.delivery.pk), media=outbound, reply_to=claim.reply_to,
            ),
            tag=claim.verdict.tag,
        )  # fmt: skip
        platform = provider(claim.channel.provider)
        return platform.send(claim.channel.external_id, claim.channel.credentials or {}, message)


@contextmanager
def _file(attachment: Attachment) -> Iterator[OutboundMedia]:
    """The file to send; where it cannot be opened nothing was sent, and the agent is told so."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(media.opened_for_sending(attachment))
        except (FileNotFoundError, KeyMissing, SealBroken) as error:
            raise Permanent("The file is no longer there.") from error
        except Exception as error:  # the storage, whose libraries raise errors of their own
            reports.capture(error)
            raise Retryable("The file could not be read from the storage.") from error
        yield opened


def _settle(claim: _Claim, state: str, change: Any) -> None:
    """Write the outcome, unless a status settled the delivery first (then only what is missing is added)."""
    workspace_id = claim.channel.workspace_id
    with workspace_scope(workspace_id), transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=claim.delivery.pk).first()
        message = Message.objects.select_for_update().filter(pk=claim.message.pk).first()
        if delivery is None or message is None:  # erased meanwhile
            return
        if delivery.state in (Delivery.State.SENDING, Delivery.State.UNKNOWN):
            delivery.state = state
            delivery.settled_at = None if state == Delivery.State.QUEUED else timezone.now()
        change(delivery, message)
        delivery.save()
        message.save()
        live.publish(workspace_id, "status", {message.conversation_id: message.channel_id})


def _record_sent(claim: _Claim, external_id: str) -> None:
    def change(delivery: Delivery, message: Message) -> None:
        if message.external_hash is None:
            echoes.take_over(message, external_id)
        statuses.advance(message, "sent", timezone.now())

    try:
        _settle(claim, Delivery.State.SENT, change)
    except IntegrityError:  # an echo was being stored under this id at the same moment: now it is there to give way
        _settle(claim, Delivery.State.SENT, change)


def _record_error(claim: _Claim, error: ProviderError) -> None:
    now = timezone.now()
    attempts = claim.delivery.attempts
    next_step = error.next_step if isinstance(error, _Refused) else policy.next_step(error, claim.channel)
    log.warning(
        "delivery.refused",
        delivery=claim.delivery.pk,
        kind=type(error).__name__,
        code=error.code,
        attempts=attempts,
    )

    def settled(status: str) -> Any:
        def change(delivery: Delivery, message: Message) -> None:
            delivery.error_code = error.code
            if Message.RANK[message.status] < Message.RANK["sent"]:
                message.status = status
                message.failed_at = now if status == Message.Status.FAILED else None
                message.error_code = error.code
                message.error = {"title": error.title, "detail": error.detail, "next": next_step}

        return change

    if claim.message.type == "template":
        with workspace_scope(claim.channel.workspace_id), transaction.atomic():
            template_events.refused(claim.channel, error.code)
    if isinstance(error, PolicyRefused):
        # Before the next message of the conversation may go, and on its own: ingest locks conversations before messages.
        with workspace_scope(claim.channel.workspace_id), transaction.atomic():
            case = (claim.message.conversation_id, claim.message.contact_id, now)
            policy.learn(claim.channel, error.reason, [case])
    if isinstance(error, Unknown):
        _settle(claim, Delivery.State.UNKNOWN, settled(Message.Status.UNKNOWN))
    elif isinstance(error, CredentialsRefused | ChannelStopped):
        with workspace_scope(claim.channel.workspace_id), transaction.atomic():
            stops.note(claim.channel.pk, error)
        _settle(claim, Delivery.State.QUEUED, settled(Message.Status.QUEUED))
    elif isinstance(error, Retryable) and attempts < error.max_attempts:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  (spreads retries, protects nothing)
        backoff = timedelta(seconds=min(_LONGEST_BACKOFF, 2**attempts) * jitter)
        if error.factor > 2:  # the platform's own rule, without a limit of ours
            backoff = timedelta(seconds=error.factor**attempts)
        wait = max(error.after or timedelta(), backoff)

        def again(delivery: Delivery, message: Message) -> None:
            delivery.error_code, delivery.next_attempt_at = error.code, now + wait
            if message.status == Message.Status.SENDING:
                message.status = Message.Status.QUEUED
            if error.whole_channel:
                slowed = Channel.objects.filter(pk=claim.channel.pk)
                if error.whole_account and claim.channel.account_id:
                    slowed = Channel.objects.filter(
                        provider=claim.channel.provider, account_id=claim.channel.account_id
                    )
                slowed.update(paused_until=now + wait)

        _settle(claim, Delivery.State.QUEUED, again)
    else:
        _settle(claim, Delivery.State.FAILED, settled(Message.Status.FAILED))
