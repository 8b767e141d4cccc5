"""What people see of us: that their message was read, and that an answer is being written.

Told to the platform by a job, never in a transaction, and nothing fails by it. The workspace may switch it off; the
platforms know no typing without reading, so that both go together (providers/whatsapp.md 11).
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from channels_app.contract import ProviderError, ReadsBack
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.models import Conversation, Handle, Message
from omnistra.core.logs import get_logger
from omnistra.core.sealing import preload

log = get_logger(__name__)
_AGE = timedelta(days=30)


def tell(conversation_id: UUID, *, is_typing: bool) -> bool:
    """Tell the platform; gives whether it was told. In the workspace's scope, with no transaction open."""
    with transaction.atomic():
        talk = Conversation.objects.select_related("channel").filter(pk=conversation_id).first()
        if talk is None or talk.held_by or talk.channel.status != Channel.Status.ACTIVE:
            return False
        if not Workspace.objects.filter(pk=talk.workspace_id, sends_read_receipts=True).exists():
            return False
        platform = provider(talk.channel.provider)
        theirs = Message.objects.filter(
            conversation=talk, direction=Message.Direction.INBOUND, external_id__isnull=False,
            provider_at__gt=timezone.now() - _AGE,
        )  # fmt: skip
        newest = theirs.order_by("-provider_at", "-id").first()
        if newest is None or not isinstance(platform, ReadsBack):
            return False
        handles = list(Handle.objects.filter(contact_id=talk.contact_id, provider=talk.channel.provider, ended_at=None))
        preload([newest, talk.channel, *handles])
        known, message_id = {each.kind: each.value for each in handles}, newest.external_id
        channel, credentials = talk.channel.external_id, talk.channel.credentials or {}
    try:
        platform.mark_read(channel, credentials, known, message_id, is_typing=is_typing)
    except ProviderError as error:
        log.info("reading.not_told", conversation=conversation_id, code=error.code)
        return False
    return True
