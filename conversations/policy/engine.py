"""The decision. `decide` is pure: facts in, verdict out, no query. `look_up` reads the facts of many conversations
set-wise. Everybody who lets something out asks here: composer, API, schedules, campaigns, and the outbox once more right
before the call, so that all of them hear the same answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.models import AuditEntry
from channels_app.models import Channel
from channels_app.stops import stop_of
from conversations.models import Contact, Conversation, Message
from conversations.opt_ins import ledger
from conversations.opt_ins.ledger import NOTHING, Standing
from conversations.policy.words import FIRST_BY_TEMPLATE, TEMPLATE_INSTEAD, Refused, refused
from conversations.reply_window import ReplyWindow, reply_window
from omnistra.core.templatetags.display import span
from privacy import policies

HUMAN_AGENT = "HUMAN_AGENT"
# Where a person may be written to first, by a template; the other platforms know no such thing (providers/messenger.md 7).
WITH_TEMPLATES = frozenset({"whatsapp"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to go out: something free (text, file, choices, a reaction), or a template of a category. `tag` is a
    platform's message tag that somebody asked for; the engine itself sets the one that is needed."""

    is_template: bool = False
    category: str = ""
    tag: str = ""

    @property
    def topic(self) -> str:
        """What a person must have agreed to. A template of no known category counts as marketing, the strictest."""
        return ledger.UTILITY if self.category in ("utility", "authentication") else ledger.MARKETING


FREE = Outgoing()
NEVER_OPEN = ReplyWindow(None)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on. `standing` is the person's place in the opt-in ledger, `is_attested` whether the
    workspace confirmed that it writes only to people who agreed."""

    channel: Channel
    window: ReplyWindow = NEVER_OPEN
    last_inbound_at: datetime | None = None
    held_by: str = ""
    blocked_at: datetime | None = None
    identity_changed_at: datetime | None = None
    identity_refused_at: datetime | None = None
    unreachable_at: datetime | None = None
    marketing_after: datetime | None = None
    standing: Standing = NOTHING
    is_attested: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused` says why not; else it may go out, with this `tag` ("" for none). `notice` is what whoever sends should
    know."""

    refused: Refused | None = None
    tag: str = ""
    notice: str = ""


def decide(facts: Facts, by: Actor | None = None, what: Outgoing = FREE) -> Verdict:
    """May this go out now, instructed by `by` (None: a signed-in person, about to write)?"""
    is_human = by is None or by.kind == AuditEntry.Actor.MEMBER
    reason = _channel(facts.channel) or _tag(what, is_human) or _person(facts, is_human)
    if reason is not None:
        return Verdict(reason)
    if facts.channel.is_restricted(_restriction(what)):
        return Verdict(refused("channel_restricted"))
    return _template(facts, what) if what.is_template else _free(facts, is_human)


def _restriction(what: Outgoing) -> str:
    """The platform's restriction that would forbid this (Channel.restrictions; providers/whatsapp.md 9)."""
    if not what.is_template:
        return "restricted_replies"
    return "restricted_utility" if what.topic == ledger.UTILITY else "restricted_first"


def _channel(channel: Channel) -> Refused | None:
    if channel.status == Channel.Status.ACTIVE:
        return None
    if channel.status == Channel.Status.DISCONNECTED:
        return refused("channel_disconnected")
    stop = stop_of(channel)
    code = "channel_reconnect" if channel.status == Channel.Status.RECONNECT else "channel_stopped"
    return Refused(code, str(stop.words), str(stop.next_step))


def _tag(what: Outgoing, is_human: bool) -> Refused | None:
    """All tags but one ended on 27 April 2026; that one is for people (providers/messenger.md 7)."""
    if what.tag and what.tag != HUMAN_AGENT:
        return refused("tag_ended")
    return refused("human_only") if what.tag and not is_human else None


def _person(facts: Facts, is_human: bool) -> Refused | None:
    """While it is in doubt who it is, a person may still ask them, unless the platform itself refuses that."""
    if facts.blocked_at:
        return refused("blocked")
    if facts.identity_refused_at or (facts.identity_changed_at and not is_human):
        return refused("identity_changed")
    if facts.held_by:
        return refused("other_app")
    if facts.unreachable_at and (facts.last_inbound_at is None or facts.last_inbound_at <= facts.unreachable_at):
        return refused("not_reachable")
    return None


def _template(facts: Facts, what: Outgoing) -> Verdict:
    """A template needs an opt-in in and outside of the window: our own rule, stricter than the platform's."""
    if facts.channel.provider not in WITH_TEMPLATES:
        return Verdict(refused("no_templates"))
    if facts.standing.stopped_at(what.topic):
        return Verdict(refused("opted_out"))
    if not facts.is_attested:
        return Verdict(refused("attestation_missing"))
    if not facts.standing.allows(what.topic):
        return Verdict(refused("needs_opt_in"))
    if what.topic == ledger.MARKETING and facts.marketing_after and timezone.now() < facts.marketing_after:
        after = date_format(timezone.localtime(facts.marketing_after), "j F, H:i")
        return Verdict(refused("too_often", after=after))
    return Verdict()


def _free(facts: Facts, is_human: bool) -> Verdict:
    """A free answer: within the window by everybody, later by a person where the platform knows that. After a "stop" a
    person may answer; a program only what is said afterwards."""
    silenced_at, window = facts.standing.silenced_at, facts.window
    said_since = silenced_at is not None and facts.last_inbound_at is not None and facts.last_inbound_at > silenced_at
    if silenced_at and not is_human and not said_since:
        return Verdict(refused("opted_out"))
    notice = _("They asked you to stop. Answer only what they asked.") if silenced_at and not said_since else ""
    templates = facts.channel.provider in WITH_TEMPLATES
    if window.closes_at is None:
        return Verdict(refused("window_never_open", FIRST_BY_TEMPLATE if templates else ""))
    if window.is_open:
        return Verdict(notice=notice)
    if window.is_human and is_human:
        words = _("The reply window is closed. This goes out as an answer by a person (Human Agent): no advertising.")
        return Verdict(tag=HUMAN_AGENT, notice=f"{words} {notice}".strip())
    ago = span(timezone.now() - window.closes_at)
    return Verdict(refused("window_closed", TEMPLATE_INSTEAD if templates else "", ago=ago))


def look_up(conversations: Sequence[Conversation]) -> dict[UUID, Facts]:
    """The facts of conversations, by their ids; their channels are loaded. Five queries at most for each platform."""
    about = {
        each.pk: Facts(
            channel=each.channel,
            window=reply_window(each),
            last_inbound_at=each.last_inbound_at,
            held_by=each.held_by,
            blocked_at=each.blocked_at,
            unreachable_at=each.unreachable_at,
            identity_refused_at=each.identity_refused_at,
            marketing_after=each.marketing_after,
        )
        for each in conversations
    }
    return _with_opt_ins(about, {each.pk: each.contact_id for each in conversations})


def facts_about(channel: Channel, contact_ids: Iterable[UUID]) -> dict[UUID, Facts]:
    """The facts of contacts on a channel, by the contacts' ids, whether or not there is a conversation yet: for writing
    first and for campaigns. A constant number of queries."""
    wanted = set(contact_ids)
    talks = list(Conversation.objects.filter(channel=channel, contact_id__in=wanted))
    for each in talks:
        each.channel = channel
    known = look_up(talks)
    facts = {each.contact_id: known[each.pk] for each in talks}
    rest = {contact_id: Facts(channel) for contact_id in wanted - set(facts)}
    return facts | _with_opt_ins(rest, {contact_id: contact_id for contact_id in rest})


def _with_opt_ins(about: Mapping[UUID, Facts], contacts: Mapping[UUID, UUID]) -> dict[UUID, Facts]:
    if not about:
        return {}
    attested = policies.opt_in_attested()
    changed = Contact.objects.filter(pk__in=set(contacts.values()), identity_changed_at__isnull=False)
    strangers = dict(changed.values_list("pk", "identity_changed_at"))
    standings: dict[tuple[str, UUID], Standing] = {}
    for slug in {facts.channel.provider for facts in about.values()}:
        mine = {contacts[key] for key, facts in about.items() if facts.channel.provider == slug}
        standings |= {(slug, who): standing for who, standing in ledger.standings(slug, mine).items()}
    return {
        key: replace(
            facts,
            standing=standings[facts.channel.provider, contacts[key]],
            is_attested=attested,
            identity_changed_at=strangers.get(contacts[key]),
        )
        for key, facts in about.items()
    }


def verdict(conversation: Conversation, by: Actor | None = None, what: Outgoing = FREE) -> Verdict:
    """`decide` for one conversation, whose channel is loaded."""
    return decide(look_up([conversation])[conversation.pk], by, what)


def why_not(conversation: Conversation, by: Actor | None = None, what: Outgoing = FREE) -> Refused | None:
    """Why this cannot go out now, or None."""
    return verdict(conversation, by, what).refused


def outgoing(message: Message) -> Outgoing:
    """What a queued message is to the engine."""
    if message.type != "template":
        return FREE
    return Outgoing(is_template=True, category=str((message.content or {}).get("category", "")).lower())
