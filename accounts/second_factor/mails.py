"""What a person is told about their own sign-in: short, plain, nothing to click but our own page."""

from datetime import UTC

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User


def tell(user: User, subject: str, what: str) -> None:
    """Mail `what` happened once the transaction has committed: nothing is sent inside one, or about what did not happen."""
    context = {
        "user": user, "what": what, "address": settings.BASE_URL + reverse("account_security"),
        "at": f"{date_format(timezone.now().astimezone(UTC), 'j M Y, H:i')} UTC",
    }  # fmt: skip
    text = render_to_string("accounts/email/sign_in_changed.txt", context)
    transaction.on_commit(lambda: send_mail(subject, text, None, [user.email]), robust=True)


def added(user: User, name: str) -> None:
    tell(user, _("A second factor was added to your Omnistra sign-in"), _("“%s” was added as a second factor.") % name)


def renamed(user: User, old: str, new: str) -> None:
    words = _("The second factor “%(old)s” is now called “%(new)s”.") % {"old": old, "new": new}
    tell(user, _("A second factor of your Omnistra sign-in was renamed"), words)


def removed(user: User, name: str) -> None:
    words = _("The second factor “%s” was removed.") % name
    tell(user, _("A second factor was removed from your Omnistra sign-in"), words)


def all_removed(user: User) -> None:
    words = _(
        "An operator of this Omnistra installation removed all your second factors, so that you can set up new ones."
    )
    tell(user, _("Your second factors were removed"), words)


def codes_renewed(user: User) -> None:
    words = _("New recovery codes were made. The ones before no longer work.")
    tell(user, _("New recovery codes for your Omnistra sign-in"), words)


def code_used(user: User, left: int) -> None:
    words = _("A recovery code was used. Codes left: %d.") % left
    tell(user, _("A recovery code was used for your Omnistra account"), words)


def guessed(user: User, times: int) -> None:
    words = _(
        "Somebody who knows your password entered a wrong code %d times in a row. If it was not you, set a new password now."
    )
    tell(user, _("Wrong codes for your Omnistra sign-in"), words % times)
