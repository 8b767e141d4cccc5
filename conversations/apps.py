from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        """What happens to a member's conversations when the member goes or sees less, and who hears what ingest hands on."""
        from accounts.registry import when_a_member_goes
        from channels_app import events
        from channels_app.templates import events as template_events
        from conversations import opt_ins
        from conversations.assignment import release
        from conversations.ingest import rooms

        when_a_member_goes(release)
        rooms.ACCOUNT_EVENTS += [events.apply, template_events.apply]
        rooms.CONSENTS.append(opt_ins.apply)
        rooms.HEARD.append(opt_ins.heard)
