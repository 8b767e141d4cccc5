from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_file_removal_due")]

    operations = [
        migrations.AddField("closure", "announced_at", models.DateTimeField(null=True)),
    ]
