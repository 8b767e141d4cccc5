from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_api_keys")]

    operations = [
        migrations.AddField("user", "closing_at", models.DateTimeField(editable=False, null=True)),
    ]
