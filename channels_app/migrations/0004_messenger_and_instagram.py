from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0003_stops"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="provider",
            field=models.CharField(
                choices=[("whatsapp", "WhatsApp"), ("messenger", "Messenger"), ("instagram", "Instagram")],
                max_length=20,
            ),
        ),
    ]
