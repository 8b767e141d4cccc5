"""Why somebody is left out of a campaign, and why a campaign holds, in words with the next step."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels_app.models import Channel
from channels_app.stops import stop_of
from conversations.policy.words import REFUSALS, Refused, Words, refused

# About one person, beside the refusals of the policy engine.
LEFT_OUT: Mapping[str, str | Promise] = {
    "no_address": _("This person has no number or id on this platform any more."),
    "value_missing": _("Their name is not known, and nothing stands in for it."),
}
# About the whole campaign, beside the refusals of the policy engine.
HOLDS: Mapping[str, Words] = {
    "by_member": (_("Somebody of your team paused it."), ""),
    "template_gone": (_("The template is no longer there."), _("Stop this campaign and make another one.")),
    "template_not_usable": (
        _("The template is not approved any more."),
        _("Its page says why. Resume the campaign once Meta approves it again."),
    ),
    "template_file": (
        _("The template needs a file above its text now."),
        _("Stop this campaign and choose another template."),
    ),
    "template_values": (_("The template asks for other values now."), _("Stop this campaign and make another one.")),
    "channel_stopped": (_("The platform stopped the channel."), _("See the channel's page under Settings.")),
    "channel_reconnect": (_("The channel needs a new token."), _("Give it one under Settings.")),
}
# What holds a whole campaign when the policy engine says it of one person: it would say it of everybody.
OF_ALL = frozenset(
    {
        "channel_disconnected",
        "channel_stopped",
        "channel_reconnect",
        "restricted",
        "attestation_missing",
        "no_templates",
    }
)


def left_out(code: str) -> str:
    """Why somebody is left out."""
    if code in LEFT_OUT:
        return str(LEFT_OUT[code])
    if code == "too_often":
        return str(REFUSALS[code][0])
    return str(REFUSALS[code][0]) if code in REFUSALS else code


def hold(code: str, channel: Channel) -> Refused:
    """Why a campaign holds, and what to do."""
    if code in ("channel_stopped", "channel_reconnect") and channel.status != Channel.Status.ACTIVE:
        stop = stop_of(channel)
        return Refused(code, str(stop.words), str(stop.next_step))
    if code in HOLDS:
        reason, following = HOLDS[code]
        return Refused(code, str(reason), str(following))
    return refused(code) if code in REFUSALS else Refused(code, code)
