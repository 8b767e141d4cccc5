"""Mails of the accounts: plain text, short, no tracking. Called outside transactions."""

import re
import unicodedata
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

_JOINED = re.compile(r"(?<=\w)[.:/\\@。．｡]+(?=\w)|[<>]")
_LONGEST = 60  # characters


def tame(name: str) -> str:
    """A name that somebody chose, fit for a mail to a stranger: one short line of which no mail program makes a link."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    words = " ".join(_JOINED.sub(" ", visible).split())
    return words if len(words) <= _LONGEST else words[:_LONGEST].rstrip() + "…"


def send(to: str, template: str, context: dict[str, Any]) -> None:
    """Send templates/accounts/email/<template>_{subject,message}.txt. Raises OSError when the mail server does."""
    subject = render_to_string(f"accounts/email/{template}_subject.txt", context)
    body = render_to_string(f"accounts/email/{template}_message.txt", context)
    EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[to]).send()
