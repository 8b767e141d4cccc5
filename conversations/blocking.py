"""Blocking a person at the platform: what they write no longer comes, and nothing goes to them (providers/whatsapp.md 16).

The call happens outside any transaction; what is kept of it is when it happened, and by whom in the audit log.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from channels_app import stops
from channels_app.contract import Blocks, ChannelStopped, CredentialsRefused, ProviderError
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.models import Conversation, Handle
from conversations.policy import Refused
from omnistra.core import live
from omnistra.core.sealing import preload


def can_block(channel: Channel) -> bool:
    """Whether the channel's platform offers it."""
    return isinstance(provider(channel.provider), Blocks)


def set_blocked(conversation: Conversation, blocked: bool, by: Actor) -> None:
    """Block, or no longer. In the workspace's scope, outside any transaction. Raises Refused; then nothing changed."""
    with transaction.atomic():
        channel: Channel = Channel.objects.get(pk=conversation.channel_id)
        handles = list(
            Handle.objects.filter(contact_id=conversation.contact_id, provider=channel.provider, ended_at=None)
        )
        preload([channel, *handles])
        credentials, values = channel.credentials or {}, {each.kind: each.value for each in handles}
    platform = provider(channel.provider)
    if not isinstance(platform, Blocks):
        raise Refused("cannot_block", _("This platform offers no blocking."))
    if channel.status == Channel.Status.DISCONNECTED:
        raise Refused("channel_disconnected", _("This channel is disconnected."), _("Connect it again under Settings."))
    try:
        platform.set_blocked(channel.external_id, credentials, values, blocked)
    except ProviderError as error:
        if isinstance(error, CredentialsRefused | ChannelStopped):
            with transaction.atomic():
                stops.note(channel.pk, error)
        raise Refused("not_blocked", error.title, error.detail) from error
    with transaction.atomic():
        at = timezone.now() if blocked else None
        Conversation.objects.filter(pk=conversation.pk).update(blocked_at=at)
        if blocked:
            audit.record("contact.blocked", by, conversation.contact_id)
        else:
            audit.record("contact.unblocked", by, conversation.contact_id)
        live.publish(conversation.workspace_id, "conversation", {conversation.pk: conversation.channel_id})
