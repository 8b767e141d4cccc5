import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import omnistra.core.ids
import omnistra.core.scope
import omnistra.core.sealing
import omnistra.core.tenancy
from omnistra.core import protection

# A workspace always has an owner. Checked when the transaction commits, so that a transfer may pass through a moment
# without one, and so that deleting the whole workspace (its row gone too) goes through. Two owners who leave at the same
# time wait for each other at the workspace's row, and the second one finds nobody. The function runs under whichever role
# and scope the transaction ends with: it looks under the workspace in question, and puts the setting back.
OWNER_REMAINS = """
CREATE FUNCTION accounts_owner_remains() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope text := current_setting('omnistra.workspace', true);
BEGIN
  PERFORM 1 FROM accounts_workspace WHERE id = OLD.workspace_id FOR NO KEY UPDATE;
  IF FOUND THEN
    PERFORM set_config('omnistra.workspace', OLD.workspace_id::text, true);
    IF NOT EXISTS (
      SELECT 1 FROM accounts_membership
      WHERE workspace_id = OLD.workspace_id AND role = 'owner' AND removed_at IS NULL
    ) THEN
      RAISE EXCEPTION 'A workspace needs an owner.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_membership_owner_remains';
    END IF;
    PERFORM set_config('omnistra.workspace', coalesce(scope, ''), true);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_owner_remains
  AFTER UPDATE OF role, removed_at, workspace_id OR DELETE ON accounts_membership
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.role = 'owner' AND OLD.removed_at IS NULL)
  EXECUTE FUNCTION accounts_owner_remains();
"""
OWNER_MAY_GO = """
DROP TRIGGER accounts_owner_remains ON accounts_membership;
DROP FUNCTION accounts_owner_remains();
"""

ROLES = ["owner", "admin", "privacy_officer", "agent", "viewer"]
ROLE = models.CharField(
    choices=[
        ("owner", "Owner"),
        ("admin", "Admin"),
        ("privacy_officer", "Privacy officer"),
        ("agent", "Agent"),
        ("viewer", "Viewer"),
        ("custom", "Custom role"),
    ],
    max_length=20,
)
CHANNELS = django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, null=True, size=None)
ROLE_OR_CUSTOM = models.Q(("custom_role__isnull", True), ("role__in", ROLES)) | models.Q(
    ("custom_role__isnull", False), ("role", "custom")
)
OWNER_EVERYWHERE = ~models.Q(("role", "owner")) | models.Q(("channel_ids__isnull", True))


def identity():
    return models.UUIDField(default=omnistra.core.ids.uuid7, editable=False, primary_key=True, serialize=False)


def workspace():
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        default=omnistra.core.scope.default_workspace_id,
        editable=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="accounts.workspace",
    )


def reference(to, **options):
    return omnistra.core.tenancy.WorkspaceForeignKey(
        db_constraint=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_functions"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomRole",
            fields=[
                ("id", identity()),
                ("name", models.CharField(max_length=60)),
                (
                    "permissions",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("workspace", workspace()),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="customrole",
            constraint=models.UniqueConstraint(
                models.F("workspace"), django.db.models.functions.text.Lower("name"), name="accounts_customrole_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="customrole",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "permissions__contained_by",
                        [
                            "workspace.view",
                            "workspace.manage",
                            "security.manage",
                            "conversations.view",
                            "conversations.reply",
                            "conversations.manage",
                            "identifiers.reveal",
                            "channels.view",
                            "channels.manage",
                            "members.view",
                            "members.manage",
                            "roles.manage",
                            "api_keys.manage",
                            "retention.view",
                            "retention.manage",
                            "audit.view",
                            "audit.export",
                            "operator_access.view",
                            "operator_access.decide",
                        ],
                    )
                ),
                name="accounts_customrole_known",
            ),
        ),
        migrations.AlterModelOptions(name="membership", options={"base_manager_name": "ever"}),
        migrations.AlterModelManagers(
            name="membership",
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("ever", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RemoveConstraint(model_name="membership", name="accounts_membership_once"),
        migrations.RemoveConstraint(model_name="membership", name="accounts_membership_role"),
        migrations.AlterField(model_name="membership", name="role", field=ROLE),
        migrations.AddField(
            model_name="membership", name="custom_role", field=reference("accounts.customrole", blank=True)
        ),
        migrations.AddField(model_name="membership", name="channel_ids", field=CHANNELS),
        migrations.AddField(
            model_name="membership", name="last_seen_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddField(
            model_name="membership", name="removed_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(condition=ROLE_OR_CUSTOM, name="accounts_membership_role"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(condition=OWNER_EVERYWHERE, name="accounts_membership_owner_everywhere"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)),
                fields=("workspace", "user"),
                name="accounts_membership_once",
            ),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", identity()),
                ("role", ROLE),
                ("channel_ids", CHANNELS),
                ("email", omnistra.core.sealing.SealedTextField()),
                ("email_hash", models.BinaryField(max_length=16)),
                ("token_hash", models.BinaryField(max_length=32, null=True, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("expires_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("accepted_by", reference("accounts.membership")),
                ("custom_role", reference("accounts.customrole", blank=True)),
                ("invited_by", reference("accounts.membership")),
                ("workspace", workspace()),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["workspace", "-created_at"], name="accounts_invitation_list"),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(
                    ("accepted_at__isnull", True), ("revoked_at__isnull", True), ("sent_at__isnull", True)
                ),
                fields=["next_attempt_at"],
                name="accounts_invitation_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(condition=ROLE_OR_CUSTOM, name="accounts_invitation_role"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(condition=OWNER_EVERYWHERE, name="accounts_invitation_owner_everywhere"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("accepted_at__isnull", True), ("revoked_at__isnull", True)),
                fields=("workspace", "email_hash"),
                name="accounts_invitation_one_open",
            ),
        ),
        protection.ProtectWorkspaceTable("CustomRole"),
        protection.ProtectReference("Membership", "custom_role"),
        protection.ProtectWorkspaceTable("Invitation"),
        migrations.RunSQL(OWNER_REMAINS, OWNER_MAY_GO),
    ]
