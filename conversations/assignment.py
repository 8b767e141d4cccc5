"""Whose a conversation is when its member goes."""

from accounts.models import Membership
from conversations.models import Conversation
from omnistra.core import live


def release(member: Membership) -> None:
    """The conversations of a member who goes are nobody's, so that they stand in the list of those that wait."""
    rows = Conversation.objects.filter(assignee=member)
    shown = list(rows.order_by("-last_message_at").values_list("pk", flat=True)[:100])
    rows.update(assignee=None)
    live.publish(member.workspace_id, "conversation", *shown)
