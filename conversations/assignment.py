"""Whose a conversation is when its member goes, or no longer sees its channel."""

from accounts.models import Membership
from conversations.models import Conversation
from omnistra.core import live


def release(member: Membership) -> None:
    """The conversations that the member no longer sees are nobody's, so that they stand in the list of those that
    wait."""
    rows = Conversation.objects.filter(assignee=member)
    if member.removed_at is None:
        if member.channel_ids is None:
            return
        rows = rows.exclude(channel_id__in=member.channel_ids)
    shown = dict(rows.order_by("-last_message_at").values_list("pk", "channel_id")[:100])
    rows.update(assignee=None)
    live.publish(member.workspace_id, "conversation", shown)
