"""`manage.py doctor`: is everything there that an installation needs, and what to do where it is not."""

import logging
import sys
from typing import Any

from django.core.management import BaseCommand

from omnistra.core.doctor import CHECKS, Trouble


class Command(BaseCommand):
    help = "Check settings, database, keys, broker, cache, storage, mail, webhooks and clock; say what to do."
    requires_system_checks: list[str] = []  # they are one of the checks: the others are told all the same

    def handle(self, *args: Any, **options: Any) -> None:
        # What a check finds is said below, in words; the libraries' own lines would stand in between.
        logging.disable(logging.CRITICAL)
        try:
            failed = sum(not self._passes(name) for name in CHECKS)
        finally:
            logging.disable(logging.NOTSET)
        if failed:
            self.stdout.write(f"\n{failed} of {len(CHECKS)} need attention.")
            sys.exit(1)
        self.stdout.write(f"\nAll {len(CHECKS)} are well.")

    def _passes(self, name: str) -> bool:
        look, hint = CHECKS[name]
        try:
            found = look()
        except Trouble as trouble:
            self._say("FAILS", name, trouble.what, trouble.hint)
            return False
        except Exception as error:  # whatever a library says of a server that is away
            first = next(iter(str(error).splitlines()), "")
            self._say("FAILS", name, f"{type(error).__name__}: {first}", hint)
            return False
        self._say("ok", name, found)
        return True

    def _say(self, state: str, name: str, found: str, hint: str = "") -> None:
        self.stdout.write(f"{state:6}{name:10}{found}")
        if hint:
            self.stdout.write(f"{'':16}→ {hint}")
        self.stdout.flush()
