import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import omnistra.core.ids
import omnistra.core.scope
import omnistra.core.tenancy
from omnistra.core import protection


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FileRemoval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("storage_key", models.CharField(max_length=120)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=omnistra.core.scope.default_workspace_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["workspace", "created_at"], name="privacy_fileremoval_due")],
            },
        ),
        migrations.CreateModel(
            name="PurgeRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("schedule", "Hourly"),
                            ("member", "Started by a member"),
                            ("command", "Command line"),
                        ],
                        max_length=10,
                    ),
                ),
                ("cutoffs", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=omnistra.core.scope.default_workspace_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["workspace", "-started_at"], name="privacy_purgerun_list")],
            },
        ),
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("channel_id", models.UUIDField(editable=False, null=True)),
                ("conversation_days", models.PositiveIntegerField(blank=True, null=True)),
                ("message_days", models.PositiveIntegerField(blank=True, null=True)),
                ("media_days", models.PositiveIntegerField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=omnistra.core.scope.default_workspace_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "retention policies",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "channel_id"),
                        name="privacy_retention_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("conversation_days__isnull", True),
                            ("conversation_days__range", (1, 3650)),
                            _connector="OR",
                        ),
                        name="privacy_retention_conversation_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("message_days__isnull", True),
                            ("message_days__range", (1, 3650)),
                            _connector="OR",
                        ),
                        name="privacy_retention_message_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("media_days__isnull", True), ("media_days__range", (1, 3650)), _connector="OR"
                        ),
                        name="privacy_retention_media_days",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TermsAcceptance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("document", models.CharField(max_length=40)),
                ("version", models.CharField(max_length=20)),
                ("sha256", models.CharField(max_length=64)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("accepted_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "accepted_by",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.membership",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=omnistra.core.scope.default_workspace_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "document", "version"), name="privacy_terms_once")
                ],
            },
        ),
        protection.ProtectWorkspaceTable("RetentionPolicy"),
        protection.ProtectWorkspaceTable("PurgeRun"),
        protection.ProtectWorkspaceTable("FileRemoval"),
        protection.ProtectWorkspaceTable("TermsAcceptance"),
    ]
