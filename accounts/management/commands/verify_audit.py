"""`manage.py verify_audit`: whether the audit log is as it was written."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import chain
from accounts.models import Workspace


class Command(BaseCommand):
    help = (
        "Walk the chain of the audit log of one workspace or of all, and compare it with the heads that were kept. "
        "Ends with 1 and names the first entry that is not as it was written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", help="slug; all workspaces when left out")
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="a head that was kept outside, e.g. mailed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["head"] and not options["workspace"]:
            raise CommandError("A head belongs to one workspace: name it with --workspace.")
        try:
            heads = chain.parse_heads(options["head"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        workspaces = Workspace.objects.order_by("slug")
        if options["workspace"]:
            workspaces = workspaces.filter(slug=options["workspace"])
            if not workspaces:
                raise CommandError(f"There is no workspace '{options['workspace']}'.")
        failed = False
        for workspace in workspaces:
            proof = chain.verify(workspace.pk, heads)
            if proof.broken:
                failed = True
                row = f" (id {proof.broken.entry_id})" if proof.broken.entry_id else ""
                self.stdout.write(f"{workspace.slug}: broken at #{proof.broken.number}{row}: it {proof.broken.reason}.")
            elif proof.number:
                self.stdout.write(
                    f"{workspace.slug}: #{proof.first} to #{proof.number} are as they were written, head "
                    f"{proof.number}:{proof.hash.hex()}"
                )
            else:
                self.stdout.write(f"{workspace.slug}: no entries yet.")
            if older := [number for number in heads if number < proof.first - 1]:
                self.stdout.write(
                    f"{workspace.slug}: #{older[0]} is older than what is kept (from #{proof.first}): nothing to compare."
                )
        if failed:
            sys.exit(1)
