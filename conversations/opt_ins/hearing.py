"""Hearing a no: the stop words that people write, and what they set at the platform itself.

A stop word counts when it is the whole message: "stop" does, "please stop by tomorrow" does not. Nothing is answered to
it: silence is what was asked for.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from channels_app.contract import Consent
from channels_app.models import Channel
from conversations.models import Message, OptIn
from conversations.opt_ins.ledger import ALL, Entry, record_told

_LONGEST = 60  # characters; a longer message is no single word in any language
_GAPS = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


@cache
def _words(configured: tuple[str, ...]) -> frozenset[str]:
    return frozenset(filter(None, map(_plain, configured)))


def is_stop_word(text: str) -> bool:
    """Whether the text is one of settings.STOP_WORDS and nothing else, whatever its case, dots and smileys."""
    return len(text) <= _LONGEST and _plain(text) in _words(tuple(settings.STOP_WORDS))


def heard(workspace_id: UUID, messages: Sequence[Message]) -> set[UUID]:
    """Write down the stop words among new messages; gives the contacts that said one. In the workspace's scope and the
    transaction that stores the messages; `messages` are inbound and not sealed yet, with their channel."""
    stops = [each for each in messages if each.type == "text" and is_stop_word(each.text)]
    if not stops:
        return set()
    channels = dict(
        Channel.objects.filter(pk__in={each.channel_id for each in stops}).values_list("pk", "provider")
    )  # fmt: skip
    return record_told(
        [
            Entry(
                each.contact_id, channels[each.channel_id], ALL, False, OptIn.Source.WORD, each.provider_at,
                wording=each.text,
            )
            for each in stops
        ]
    )  # fmt: skip


def apply(workspace_id: UUID, told: Sequence[tuple[Consent, UUID, Channel]]) -> set[UUID]:
    """Write down what people allowed or forbade at the platform: (what, the contact's id, the channel); gives the contacts
    of which something is new. The time of the event decides, so a late "resume" that is older than a "stop" changes
    nothing. Now stands in where the platform gave no time. In the workspace's scope and a transaction."""
    now = timezone.now()
    return record_told(
        [
            Entry(
                contact_id, channel.provider, consent.topic[:80] or ALL, consent.is_granted, OptIn.Source.PLATFORM,
                min(consent.at or now, now), wording=consent.wording,
            )
            for consent, contact_id, channel in told
        ]
    )  # fmt: skip
