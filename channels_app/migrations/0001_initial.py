import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import omnistra.core.ids
import omnistra.core.scope
import omnistra.core.sealing
from omnistra.core import protection


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RawEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("event_key", models.BinaryField(max_length=16, unique=True)),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "New"), ("done", "Done"), ("aside", "Set aside")],
                        default="new",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("processed_at", models.DateTimeField(null=True)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(condition=models.Q(("state", "new")), fields=["id"], name="channels_rawevent_new"),
                    models.Index(
                        condition=models.Q(("state", "aside")),
                        fields=["received_at"],
                        name="channels_rawevent_aside",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(choices=[("whatsapp", "WhatsApp")], max_length=20)),
                ("external_id", models.CharField(max_length=64)),
                ("account_id", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(max_length=120)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("credentials", omnistra.core.sealing.SealedJSONField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("reconnect", "Reconnect needed"),
                            ("disconnected", "Disconnected"),
                        ],
                        default="active",
                        max_length=20,
                    ),
                ),
                ("status_reason", models.CharField(blank=True, max_length=60)),
                ("messages_per_second", models.PositiveIntegerField(default=80)),
                ("send_credit", models.FloatField(default=80, editable=False)),
                ("send_credit_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("paused_until", models.DateTimeField(editable=False, null=True)),
                ("checked_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
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
                "indexes": [models.Index(fields=["workspace", "created_at"], name="channels_channel_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "external_id"), name="channels_one_workspace")
                ],
            },
        ),
        protection.ProtectWorkspaceTable("Channel"),
        protection.ProtectSystemTable("RawEvent", append=True),
    ]
