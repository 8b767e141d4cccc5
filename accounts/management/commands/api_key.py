"""`manage.py api_key`: a new key of the API, shown this once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import ApiKey, Workspace
from accounts.scopes import SCOPES
from omnistra.core.tenancy import workspace_scope


class Command(BaseCommand):
    help = "Print a new API key of a workspace, alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, help="slug of the workspace")
        parser.add_argument("--scopes", nargs="+", help="by space or comma; all that there are when left out")
        parser.add_argument("--days", type=int, help="how long it works; without an end when left out")
        parser.add_argument("--name", default="Command line")

    def handle(self, *args: Any, **options: Any) -> None:
        words = " ".join(options["scopes"] or []).replace(",", " ").split()
        known = [str(each) for each in SCOPES]
        if strange := sorted(set(words) - set(known)):
            raise CommandError(f"Unknown: {', '.join(strange)}. The scopes are: {', '.join(known)}.")
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("A key works for 1 to 3650 days.")
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace '{options['workspace']}'.")
        ends = timezone.now() + timedelta(days=days) if days else None
        with transaction.atomic(), workspace_scope(workspace.pk):
            key, secret = ApiKey.issue(options["name"][:80], words or known, None, ends)
            audit.record("api_key.created", audit.SYSTEM, key.pk, ["scopes", "expires_at"])
        self.stdout.write("This key is shown once. Keep it where no one else can read it.")
        self.stdout.write(secret)
