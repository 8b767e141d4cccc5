import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.lookups
import django.utils.timezone
from django.db import migrations, models

import omnistra.core.ids
import omnistra.core.scope
from omnistra.core import append_only, protection


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_closure"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField()),
                ("removed_number", models.BigIntegerField(default=0)),
                ("removed_hash", models.BinaryField(max_length=32)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("broken_number", models.BigIntegerField(null=True)),
                ("day", models.DateField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.RemoveIndex(
            model_name="auditentry",
            name="accounts_audit_time",
        ),
        migrations.AddField(
            model_name="auditentry",
            name="hash",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="number",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="membership",
            name="gets_audit_heads",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="workspace",
            name="audit_months",
            field=models.PositiveSmallIntegerField(default=13),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="actor_kind",
            field=models.CharField(
                choices=[("member", "Member"), ("api_key", "Api Key"), ("operator", "Operator"), ("system", "System")],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("number__isnull", False)), fields=["workspace", "at"], name="accounts_audit_time"
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("number__isnull", False)),
                fields=["workspace", "target_id", "number"],
                name="accounts_audit_target",
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("number__isnull", False)),
                fields=["workspace", "actor_id", "number"],
                name="accounts_audit_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("number__isnull", False)),
                fields=["workspace", "action", "number"],
                name="accounts_audit_action",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number__isnull", False)),
                fields=("workspace", "number"),
                name="accounts_audit_number_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__regex", "^[a-z_]+\\.[a-z_]+$")), name="accounts_audit_action_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Regex(
                    django.db.models.functions.comparison.Cast("fields", models.TextField()),
                    models.Value("^\\{([a-z_]{1,60}(,[a-z_]{1,60})*)?\\}$"),
                ),
                name="accounts_audit_fields_form",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("actor_id__isnull", True), ("actor_kind", "system")),
                    models.Q(("actor_id__isnull", False), ("actor_kind__in", ["member", "api_key", "operator"])),
                    _connector="OR",
                ),
                name="accounts_audit_actor_form",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("hash__isnull", True), ("number__isnull", True)),
                    models.Q(("hash__isnull", False), ("number__gt", 0)),
                    _connector="OR",
                ),
                name="accounts_audit_chained_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(("audit_months__range", (6, 84))), name="accounts_workspace_audit_months"
            ),
        ),
        migrations.AddField(
            model_name="auditchain",
            name="workspace",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=omnistra.core.scope.default_workspace_id,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="audithead",
            name="workspace",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=omnistra.core.scope.default_workspace_id,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditchain",
            constraint=models.UniqueConstraint(fields=("workspace",), name="accounts_auditchain_once"),
        ),
        migrations.AddIndex(
            model_name="audithead",
            index=models.Index(fields=["workspace", "-at"], name="accounts_audithead_list"),
        ),
        migrations.AddConstraint(
            model_name="audithead",
            constraint=models.UniqueConstraint(fields=("workspace", "day"), name="accounts_audithead_daily"),
        ),
        protection.ProtectWorkspaceTable("AuditChain"),
        protection.ProtectWorkspaceTable("AuditHead"),
        append_only.AppendOnly("AuditEntry"),
        append_only.AppendOnly("AuditChain", appendable=False),
        append_only.AppendOnly("AuditHead"),
    ]
