"""The table of sealing keys, in the keys database. Raw SQL, because core has no models: omnistra.core.keyring is its
only user. `wrapped` is the key, sealed by the key above it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE sealing_key (
                id uuid PRIMARY KEY,
                purpose text NOT NULL CHECK (purpose IN ('workspace', 'index', 'contact', 'ingress')),
                workspace_id uuid,
                contact_id uuid,
                day date,
                version integer NOT NULL DEFAULT 1,
                wrapped bytea NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(),
                CHECK ((purpose = 'ingress') = (day IS NOT NULL)),
                CHECK ((purpose = 'ingress') = (workspace_id IS NULL)),
                CHECK ((purpose = 'contact') = (contact_id IS NOT NULL))
            );
            CREATE UNIQUE INDEX sealing_key_workspace ON sealing_key (workspace_id, version) WHERE purpose = 'workspace';
            CREATE UNIQUE INDEX sealing_key_index ON sealing_key (workspace_id) WHERE purpose = 'index';
            CREATE UNIQUE INDEX sealing_key_contact ON sealing_key (workspace_id, contact_id) WHERE purpose = 'contact';
            CREATE UNIQUE INDEX sealing_key_day ON sealing_key (day) WHERE purpose = 'ingress';
            """,
            "DROP TABLE sealing_key",
        )
    ]
