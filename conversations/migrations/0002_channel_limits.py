from django.db import migrations

from omnistra.core import protection

# A contact is seen by who sees one of the contact's conversations.
OF_CONTACT = "EXISTS (SELECT 1 FROM conversations_conversation c WHERE c.workspace_id = {0}.workspace_id AND c.contact_id = {0}.{1})"


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0001_initial"),
        ("channels_app", "0002_channel_limits"),
    ]

    operations = [
        protection.LimitToChannels("Conversation"),
        protection.LimitToChannels("Message"),
        protection.LimitToChannels("Reaction"),
        protection.LimitToChannels("Attachment"),
        protection.LimitToChannels("Delivery"),
        protection.LimitToChannels("Contact", seen_if=OF_CONTACT.format("conversations_contact", "id")),
        protection.LimitToChannels("Handle", seen_if=OF_CONTACT.format("conversations_handle", "contact_id")),
    ]
