"""A file is named for removal before it is stored: the row says from when on it is to go, not since when it is there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_closure")]

    operations = [
        migrations.RemoveIndex("fileremoval", "privacy_fileremoval_due"),
        migrations.RenameField("fileremoval", "created_at", "due_at"),
        migrations.AddIndex(
            "fileremoval", models.Index(fields=["workspace", "due_at"], name="privacy_fileremoval_due")
        ),
    ]
