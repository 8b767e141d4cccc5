from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_api_keys"),
        ("conversations", "0004_opt_ins"),
    ]

    operations = [
        migrations.AddField(
            model_name="handle",
            name="asked_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="handle",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wa_id", "Phone"),
                    ("bsuid", "WhatsApp id"),
                    ("username", "User name"),
                    ("psid", "Messenger id"),
                    ("igsid", "Instagram id"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="handle",
            name="provider",
            field=models.CharField(
                choices=[("whatsapp", "WhatsApp"), ("messenger", "Messenger"), ("instagram", "Instagram")],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="handle",
            index=models.Index(
                condition=models.Q(("asked_at__isnull", True), ("kind__in", ("psid", "igsid"))),
                fields=["-created_at"],
                name="conversations_handle_unasked",
            ),
        ),
        migrations.AlterField(
            model_name="optin",
            name="provider",
            field=models.CharField(
                choices=[("whatsapp", "WhatsApp"), ("messenger", "Messenger"), ("instagram", "Instagram")],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="optout",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wa_id", "Phone"),
                    ("bsuid", "WhatsApp id"),
                    ("username", "User name"),
                    ("psid", "Messenger id"),
                    ("igsid", "Instagram id"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="optout",
            name="provider",
            field=models.CharField(
                choices=[("whatsapp", "WhatsApp"), ("messenger", "Messenger"), ("instagram", "Instagram")],
                max_length=20,
            ),
        ),
    ]
