"""`manage.py purge`: one purge pass, counts per class."""

import argparse
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Workspace
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import retention
from privacy.models import PurgeRun, RetentionPolicy


class Command(BaseCommand):
    help = "Delete what the workspaces' retention settings say has to go; prints counts per class."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--workspace", help="slug; default: every workspace that has a rule")
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        for workspace in self._workspaces(options["workspace"]):
            if options["dry_run"]:
                with workspace_scope(workspace.pk), transaction.atomic():
                    counts = retention.preview(retention.current())
            else:
                run = retention.purge(workspace.pk, PurgeRun.Trigger.COMMAND)
                counts = run.counts if run else {}
            shown = ", ".join(f"{name} {number}" for name, number in counts.items()) or "nothing to delete"
            self.stdout.write(f"{workspace.slug}: {shown}")

    def _workspaces(self, slug: str | None) -> list[Workspace]:
        if slug:
            found = list(Workspace.objects.filter(slug=slug))
            if not found:
                raise CommandError(f"There is no workspace {slug}.")
            return found
        with transaction.atomic(), system_scope("privacy.purge_command"):
            ids = list(RetentionPolicy.objects.values_list("workspace_id", flat=True).distinct())
        return list(Workspace.objects.filter(pk__in=ids).order_by("slug"))
