from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        """What happens to a member's conversations when the member goes or sees less."""
        from accounts.registry import when_a_member_goes
        from conversations.assignment import release

        when_a_member_goes(release)
