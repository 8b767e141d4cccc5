"""The refusals of the policy engine in words: what is the matter, and what to do next."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refused(Exception):
    """The message is not sent: `reason` says why, `code` is for machines, `next_step` what to do."""

    def __init__(self, code: str, reason: str, next_step: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.next_step = code, reason, next_step

    def __str__(self) -> str:
        return f"{self.reason} {self.next_step}".strip()


Words = tuple[str | Promise, str | Promise]

# Code -> what is the matter, what to do next.
REFUSALS: Mapping[str, Words] = {
    "channel_disconnected": (_("This channel is disconnected."), _("Connect it again under Settings.")),
    "channel_restricted": (
        _("The platform does not let this channel send such messages for now."),
        _("The channel's page under Settings says since when, and until when."),
    ),
    "tag_ended": (
        _("The platform no longer takes this message tag."),
        _("Send it without a tag while the reply window is open."),
    ),
    "human_only": (
        _("Only a signed-in person may use the Human Agent tag."),
        _("Let somebody of your team answer in the inbox."),
    ),
    "blocked": (_("You blocked this person."), _("Unblock them in the contact panel to write again.")),
    "identity_changed": (
        _("This person's security code changed: somebody else may hold the number now."),
        _("Make sure who it is, then confirm it here."),
    ),
    "other_app": (
        _("Another app answers this conversation at the moment."),
        _("Wait until it hands over, or take the conversation over."),
    ),
    "not_reachable": (
        _("The platform could not reach this person the last time."),
        _("Wait until they write, or check the number and confirm it here."),
    ),
    "window_never_open": (_("This person has not written to you yet."), _("Wait for their first message.")),
    "window_closed": (_("The reply window closed %(ago)s ago."), _("It opens again when they write.")),
    "no_templates": (
        _("This platform lets nobody write first."),
        _("Wait until they write, then answer within the reply window."),
    ),
    "opted_out": (
        _("This person asked you to stop."),
        _("Write again once they write, or once you recorded that they agreed again."),
    ),
    "attestation_missing": (
        _("Your workspace has not confirmed yet that it writes only to people who agreed."),
        _("An owner or admin confirms it once under Settings, Opt-ins."),
    ),
    "needs_opt_in": (
        _("There is no record that this person agreed to be written to."),
        _("Record their opt-in in the contact panel, or with POST /contacts/{id}/opt-ins/."),
    ),
    "too_often": (
        _("The platform holds marketing to this person back: they got much of it lately."),
        _("Try once more after %(after)s, not before."),
    ),
    "too_often_twice": (
        _("The platform held this message back twice."),
        _("Leave it: more of them would cost your number its rating."),
    ),
}
# What offers itself where a template may be sent.
TEMPLATE_INSTEAD = _("It opens again when they write. Until then you can send a template.")
TOMORROW = _("Send it once more tomorrow, not before.")
FIRST_BY_TEMPLATE = _("Send a template first, or wait for their message.")


def refused(code: str, next_step: str | Promise = "", **values: str) -> Refused:
    """The refusal of a code, with its words filled in."""
    reason, following = REFUSALS[code]
    said, then = str(reason), str(next_step or following)
    return Refused(code, said % values, then % values) if values else Refused(code, said, then)
