import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import omnistra.core.ids
import omnistra.core.scope
import omnistra.core.sealing
import omnistra.core.tenancy
from omnistra.core import protection


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("channels_app", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", omnistra.core.sealing.SealedTextField(null=True)),
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
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=10),
                ),
                ("unread_count", models.PositiveIntegerField(default=0)),
                ("last_message_at", models.DateTimeField()),
                ("last_inbound_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "assignee",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.membership",
                    ),
                ),
                (
                    "channel",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="channels_app.channel",
                    ),
                ),
                (
                    "contact",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.contact",
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
            },
        ),
        migrations.CreateModel(
            name="Handle",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(choices=[("whatsapp", "WhatsApp")], max_length=20)),
                (
                    "kind",
                    models.CharField(
                        choices=[("wa_id", "Phone"), ("bsuid", "WhatsApp id"), ("username", "User name")],
                        max_length=10,
                    ),
                ),
                ("value", omnistra.core.sealing.SealedTextField()),
                ("value_hash", models.BinaryField(max_length=16)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "contact",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.contact",
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
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "direction",
                    models.CharField(choices=[("inbound", "Inbound"), ("outbound", "Outbound")], max_length=10),
                ),
                ("type", models.CharField(max_length=12)),
                ("content", omnistra.core.sealing.SealedJSONField(null=True)),
                ("external_id", omnistra.core.sealing.SealedTextField(null=True)),
                ("external_hash", models.BinaryField(max_length=16, null=True)),
                ("reply_to_hash", models.BinaryField(max_length=16, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("read", "Read"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                        ],
                        max_length=10,
                    ),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("error_code", models.IntegerField(null=True)),
                ("error", omnistra.core.sealing.SealedJSONField(null=True)),
                (
                    "instructed_by_kind",
                    models.CharField(
                        choices=[("member", "Member"), ("api_key", "Api Key"), ("system", "System")],
                        max_length=10,
                        null=True,
                    ),
                ),
                ("instructed_by_id", models.UUIDField(null=True)),
                ("provider_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="channels_app.channel",
                    ),
                ),
                (
                    "contact",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.contact",
                    ),
                ),
                (
                    "conversation",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.conversation",
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
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("error_code", models.IntegerField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="channels_app.channel",
                    ),
                ),
                (
                    "conversation",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.conversation",
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
                (
                    "message",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=12)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting"),
                            ("fetching", "Being fetched"),
                            ("stored", "Stored"),
                            ("failed", "Could not be fetched"),
                            ("expired", "No longer at the platform"),
                            ("purged", "Removed by retention"),
                        ],
                        max_length=10,
                    ),
                ),
                ("details", omnistra.core.sealing.SealedJSONField(null=True)),
                ("storage_key", models.CharField(blank=True, max_length=120)),
                ("size", models.PositiveBigIntegerField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("provider_at", models.DateTimeField()),
                (
                    "channel",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="channels_app.channel",
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
                (
                    "contact",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.contact",
                    ),
                ),
                (
                    "message",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Reaction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("target_hash", models.BinaryField(max_length=16)),
                ("emoji", omnistra.core.sealing.SealedTextField(null=True)),
                ("provider_at", models.DateTimeField()),
                (
                    "channel",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="channels_app.channel",
                    ),
                ),
                (
                    "contact",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.contact",
                    ),
                ),
                (
                    "conversation",
                    omnistra.core.tenancy.WorkspaceForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.conversation",
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
            },
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["workspace", "created_at"], name="conversations_contact_list"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["workspace", "status", "-last_message_at", "-id"], name="conversations_list"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["workspace", "channel", "last_message_at"], name="conversations_age"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["workspace", "contact"], name="conversations_of_contact"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("assignee__isnull", False)),
                fields=["workspace", "assignee", "-last_message_at"],
                name="conversations_assigned",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("workspace", "channel", "contact"), name="conversations_conversation_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="handle",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "username"), _negated=True),
                fields=("workspace", "provider", "kind", "value_hash"),
                name="conversations_handle_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="handle",
            constraint=models.UniqueConstraint(
                fields=("workspace", "contact", "provider", "kind", "value_hash"),
                name="conversations_handle_of_contact",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["workspace", "conversation", "provider_at", "id"], name="conversations_thread"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["workspace", "channel", "provider_at"], name="conversations_message_age"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("workspace", "channel", "external_hash"), name="conversations_message_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("direction", "inbound"), ("instructed_by_kind__isnull", True)),
                    models.Q(
                        ("direction", "outbound"),
                        ("instructed_by_id__isnull", False),
                        ("instructed_by_kind__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="conversations_message_instructed",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "sending"])),
                fields=["channel", "next_attempt_at"],
                name="conversations_delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "sending"])),
                fields=["workspace", "conversation", "id"],
                name="conversations_delivery_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["workspace", "message"], name="conversations_delivery_of"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "sending"])),
                fields=("workspace", "message"),
                name="conversations_delivery_one_live",
            ),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(fields=["workspace", "message"], name="conversations_file_of_message"),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "fetching"])),
                fields=["next_attempt_at"],
                name="conversations_file_due",
            ),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("state", "purged"), _negated=True),
                fields=["workspace", "channel", "provider_at"],
                name="conversations_file_age",
            ),
        ),
        migrations.AddIndex(
            model_name="reaction",
            index=models.Index(fields=["workspace", "conversation"], name="conversations_reaction_thread"),
        ),
        migrations.AddConstraint(
            model_name="reaction",
            constraint=models.UniqueConstraint(
                fields=("workspace", "channel", "target_hash", "contact"), name="conversations_reaction_once"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("status", "open"), ("unread_count__gt", 0)),
                fields=["workspace"],
                name="conversations_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("assignee__isnull", True), ("status", "open")),
                fields=["workspace", "-last_message_at"],
                name="conversations_unassigned",
            ),
        ),
        protection.ProtectWorkspaceTable("Contact"),
        protection.ProtectWorkspaceTable("Handle"),
        protection.ProtectWorkspaceTable("Conversation"),
        protection.ProtectWorkspaceTable("Message"),
        protection.ProtectWorkspaceTable("Reaction"),
        protection.ProtectWorkspaceTable("Attachment"),
        protection.ProtectWorkspaceTable("Delivery"),
    ]
