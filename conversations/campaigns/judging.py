"""Who of some people gets the campaign's message, and what it says to each: asked when recipients are counted and again
before their messages are queued. Set-wise: a constant number of queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.audit import SYSTEM
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import form, keeping
from conversations import policy, sending
from conversations.campaigns import filling
from conversations.campaigns.words import OF_ALL
from conversations.models import Campaign, Contact, Handle
from conversations.policy import Outgoing, Refused
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload
from privacy import policies


@dataclass(frozen=True, slots=True)
class Judged:
    """`contents`: contact -> what their message holds. `left_out`: contact -> why not. `hold`: why nobody gets it now."""

    contents: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)
    left_out: Mapping[UUID, str] = field(default_factory=dict)
    hold: str = ""


def template_of(campaign: Campaign, channel: Channel) -> MessageTemplate | None:
    """The campaign's template, opened; None when it is gone."""
    found: MessageTemplate | None = keeping.of_channel(channel).filter(pk=campaign.template_id).first()
    preload([found])
    return found


def why_hold(campaign: Campaign, channel: Channel, template: MessageTemplate | None) -> str:
    """Why nobody can get it now (campaigns.words), "" when they can. Asks what holds for everybody."""
    if template is None:
        return "template_gone"
    read = form.read(template.components)
    if not template.is_usable or read.problem:
        return "template_not_usable"
    if read.header_file:
        return "template_file"
    if set(campaign.values) != {slot.key for slot in read.slots}:
        return "template_values"
    nobody = policy.Facts(channel, is_attested=policies.opt_in_attested())
    refused = policy.decide(nobody, SYSTEM, _outgoing(template)).refused
    return refused.code if refused and refused.code in OF_ALL else ""


def _outgoing(template: MessageTemplate) -> Outgoing:
    return Outgoing(is_template=True, category=template.category)


def judge(campaign: Campaign, channel: Channel, template: MessageTemplate, contact_ids: Sequence[UUID]) -> Judged:
    """Ask for each of these people. In the workspace's scope and a transaction."""
    facts = policy.facts_about(channel, contact_ids)
    what = _outgoing(template)
    reached = set(
        Handle.objects.filter(
            contact_id__any=set(contact_ids), provider=channel.provider, kind__in=Handle.KEYS, ended_at=None
        ).values_list("contact_id", flat=True)
    )
    names = _names(contact_ids) if filling.places(campaign.values) else {}
    contents: dict[UUID, dict[str, Any]] = {}
    left_out: dict[UUID, str] = {}
    for who in contact_ids:
        refused = policy.decide(facts[who], SYSTEM, what).refused
        if refused is not None and refused.code in OF_ALL:
            return Judged(hold=refused.code)
        if refused is not None or who not in reached:
            left_out[who] = refused.code if refused else "no_address"
            continue
        try:
            contents[who] = sending.template_content(template, filling.fill(campaign.values, names.get(who, "")))
        except sending.ValuesMissing:
            left_out[who] = "value_missing"
        except Refused as error:
            return Judged(hold=error.code)
    return Judged(contents, left_out)


def _names(contact_ids: Sequence[UUID]) -> dict[UUID, str]:
    people = list(Contact.objects.filter(pk__any=set(contact_ids)))
    preload(people)
    names: dict[UUID, str] = {}
    for each in people:
        try:
            names[each.pk] = str(each.name or "")
        except KeyMissing:  # erased
            continue
    return names
