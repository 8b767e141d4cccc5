from django.db import migrations

from omnistra.core import protection


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0001_initial"),
    ]

    operations = [
        protection.LimitToChannels("Channel", column="id"),
    ]
