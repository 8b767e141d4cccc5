"""A key per person, for the secrets of their second factors: closing the account destroys it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0001_sealing_keys")]
    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE sealing_key
                ADD COLUMN person_id uuid,
                DROP CONSTRAINT sealing_key_purpose_check,
                DROP CONSTRAINT sealing_key_check1,
                ADD CONSTRAINT sealing_key_purpose_check
                    CHECK (purpose IN ('workspace', 'index', 'contact', 'ingress', 'person')),
                ADD CONSTRAINT sealing_key_without_workspace
                    CHECK ((purpose IN ('ingress', 'person')) = (workspace_id IS NULL)),
                ADD CONSTRAINT sealing_key_of_person CHECK ((purpose = 'person') = (person_id IS NOT NULL));
            CREATE UNIQUE INDEX sealing_key_person ON sealing_key (person_id) WHERE purpose = 'person';
            """,
            """
            DELETE FROM sealing_key WHERE purpose = 'person';
            ALTER TABLE sealing_key
                DROP COLUMN person_id,
                DROP CONSTRAINT sealing_key_purpose_check,
                DROP CONSTRAINT sealing_key_without_workspace,
                ADD CONSTRAINT sealing_key_purpose_check
                    CHECK (purpose IN ('workspace', 'index', 'contact', 'ingress')),
                ADD CONSTRAINT sealing_key_check1 CHECK ((purpose = 'ingress') = (workspace_id IS NULL));
            """,
        )
    ]
