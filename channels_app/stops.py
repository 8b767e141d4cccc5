"""Why a channel sends nothing: the reasons that stand in `Channel.status_reason`, in words, each with its next step.

A channel that is stopped is told of once, by mail to the workspace's owners; its messages wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.roles import Role
from channels_app.contract import ChannelStopped, CredentialsRefused
from channels_app.models import Channel
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import current_workspace_id

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """One reason: what happened, and what to do."""

    words: str | Promise
    next_step: str | Promise


REASONS: Mapping[str, Stop] = {
    "token_refused": Stop(
        _("The platform no longer accepts this channel's token."), _("Give the channel a new token under Settings.")
    ),
    "no_webhooks": Stop(
        _("The platform does not send this channel's messages."), _("Give the channel a new token under Settings.")
    ),
    "restricted": Stop(
        _("The platform restricted this account."), _("See the reason at the platform and ask for a review there.")
    ),
    "unpaid": Stop(_("The platform asks for a payment method."), _("Add one at the platform, then check the channel.")),
    "name_not_approved": Stop(
        _("The number's display name is not approved."), _("Wait for the approval or change the name at the platform.")
    ),
    "not_registered": Stop(
        _("The number is not registered with the platform."), _("Register it at the platform, then check the channel.")
    ),
    "number_gone": Stop(
        _("The number no longer exists at the platform."), _("Disconnect it here, or connect it again.")
    ),
    "spam_limit": Stop(
        _("The platform limits this number because messages were reported as spam."),
        _("Stop campaigns, wait until the quality rating rises, then check the channel."),
    ),
    "message_access_off": Stop(
        _("Access to messages is switched off in the Instagram app."),
        _("In the app open Settings, Messages, Connected tools, and allow access to messages. Then check the channel."),
    ),
    "page_blocked": Stop(
        _("The platform blocked this page for breaking its rules."), _("See the reason at the platform.")
    ),
}
_UNNAMED = Stop(_("The platform takes no messages from this channel."), _("See the reason at the platform."))


def stop_of(channel: Channel) -> Stop:
    """Why this channel stands still, in words."""
    return REASONS.get(channel.status_reason, _UNNAMED)


def note(channel_id: UUID, error: ChannelStopped | CredentialsRefused) -> bool:
    """The platform stopped the channel: it sends nothing until somebody acts. Owners are told, once for each stop: of
    several calls that meet the same refusal the first one alone changes anything. In the workspace's scope and a
    transaction; gives whether this one was first."""
    stopped = isinstance(error, ChannelStopped)
    status = Channel.Status.STOPPED if stopped else Channel.Status.RECONNECT
    reason = error.reason if isinstance(error, ChannelStopped) else "token_refused"
    if not Channel.stop(channel_id, status, reason):
        return False
    from channels_app.jobs import tell_of_stop  # the jobs import this room

    tell_of_stop.enqueue(current_workspace_id(), channel_id)
    return True


def tell_owners(channel_id: object) -> int:
    """One mail to every owner; gives how many. In the workspace's scope, outside any transaction."""
    with transaction.atomic():
        channel = Channel.objects.select_related("workspace").defer("credentials").filter(pk=channel_id).first()
        owners = list(Membership.objects.filter(role=Role.OWNER).select_related("user"))
    if channel is None or channel.status == Channel.Status.ACTIVE:
        return 0
    stop = stop_of(channel)
    path = reverse("channels:detail", args=[channel.workspace.slug, channel.pk])
    for owner in owners:
        words = {"name": owner.user.name, "channel": channel, "stop": stop, "address": settings.BASE_URL + path}
        subject = render_to_string("channels/email/stopped_subject.txt", words)
        body = render_to_string("channels/email/stopped_message.txt", words)
        try:
            send_mail(" ".join(subject.split()), body.strip() + "\n", None, [owner.user.email])
        except OSError as error:  # the channel's page says the same
            log.warning("channel.stop_not_mailed", channel=channel.pk, error=type(error).__name__)
    return len(owners)
