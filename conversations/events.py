"""The event stream of a workspace's open pages: runs under ASGI (omnistra.asgi), holds no thread and no connection."""

from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.access import enter
from accounts.models import Membership
from accounts.roles import Permission
from omnistra.core import live


def _admit(request: HttpRequest, slug: str) -> Membership | None:
    """The member, who may see conversations; None for somebody not signed in."""
    try:
        if not request.user.is_authenticated:
            return None
        return enter(request, slug, Permission.CONVERSATIONS_VIEW)
    finally:
        connections.close_all()  # a stream lives for minutes: it must not hold a database connection


@transaction.non_atomic_requests
async def events(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Server-sent events. The browser connects anew every few minutes, and is checked anew."""
    member = await sync_to_async(_admit)(request, slug)
    if member is None:
        return HttpResponse(status=401)
    stream = live.stream(member.workspace_id, member.pk, member.channel_ids)
    response = StreamingHttpResponse(stream, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


events.access = Permission.CONVERSATIONS_VIEW  # type: ignore[attr-defined]
