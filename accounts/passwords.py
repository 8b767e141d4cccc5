"""What a password may be: ten characters or more, not a common one, and the same whatever keyboard typed it."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST = 256  # characters; more than password managers make, and little enough to hash and compare at once


def normalised(password: str) -> str:
    """One form for each text: `é` typed as one or as two characters is the same password (NIST SP 800-63B 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


class MaximumLengthValidator:
    """Refuses passwords above LONGEST: hashing a novel costs us more than it helps anybody."""

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(
                _("This password is too long: %(longest)d characters at most.") % {"longest": LONGEST},
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        return ""
