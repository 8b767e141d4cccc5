"""Statuses, categories and reasons of templates as people read them."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

USABLE = "approved"
EDITABLE = frozenset({"approved", "rejected", "paused"})
GONE = frozenset({"deleted", "pending_deletion"})

# Status -> its word and its tone (components/chip.html).
STATUSES: Mapping[str, tuple[str | Promise, str]] = {
    "approved": (_("Approved"), "positive"),
    "pending": (_("In review"), ""),
    "in_appeal": (_("Under appeal"), ""),
    "rejected": (_("Rejected"), "danger"),
    "paused": (_("Paused"), "warning"),
    "flagged": (_("Flagged"), "warning"),
    "limit_exceeded": (_("Limit reached"), "warning"),
    "locked": (_("Locked"), "warning"),
    "disabled": (_("Switched off"), "danger"),
    "archived": (_("Archived"), ""),
    "pending_deletion": (_("Being deleted"), ""),
    "deleted": (_("Deleted"), ""),
}
# What a status means for whoever wants to send it.
MEANING: Mapping[str, str | Promise] = {
    "pending": _("Meta reviews it, usually within a day."),
    "in_appeal": _("Meta looks at it once more."),
    "rejected": _("Meta rejected it. Edit it, and it is reviewed again."),
    "paused": _("Meta paused it, because people blocked or reported it. It comes back by itself after some hours."),
    "flagged": _("Its quality is low. Better it before Meta pauses it."),
    "limit_exceeded": _("Meta's limit for it is reached."),
    "locked": _("Meta allows no change of it at the moment."),
    "disabled": _("Meta switched it off. It cannot be sent again: make a new one."),
    "archived": _("Meta archived it. It is deleted after 28 days."),
    "pending_deletion": _("It is being deleted."),
    "deleted": _("It was deleted."),
}
QUALITIES: Mapping[str, tuple[str | Promise, str]] = {
    "green": (_("High"), "positive"),
    "yellow": (_("Medium"), "warning"),
    "red": (_("Low"), "danger"),
}
CATEGORIES: Mapping[str, str | Promise] = {
    "marketing": _("Marketing"),
    "utility": _("Utility"),
    "authentication": _("Authentication"),
}
REASONS: Mapping[str, str | Promise] = {
    "abusive_content": _("Meta found abusive or threatening words in it."),
    "incorrect_category": _("It does not fit its category: promotional text belongs into marketing."),
    "invalid_format": _("Its form is wrong: look at the variables, links and special characters."),
    "promotional": _("It reads like advertising, which its category does not allow."),
    "scam": _("Meta took it for a scam."),
    "tag_content_mismatch": _("Its language or category does not fit its text."),
}


def reason(code: str) -> str:
    """Why it was rejected."""
    return str(REASONS.get(code, "")) or (code.replace("_", " ").capitalize() if code else "")
