"""`manage.py demo`: the demo workspace and its content; running it again changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from conversations import demo


class Command(BaseCommand):
    help = "Create the demo workspace (local and test only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The demo needs the sandbox, which exists under local and test settings only.")
        made = demo.create()
        self.stdout.write("The demo workspace is ready." if made else "The demo workspace is there already.")
        self.stdout.write(demo.sign_in())
