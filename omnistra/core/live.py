"""Server-sent events: tells open pages that something of their workspace changed, by ids alone.

Pages fetch what they show through the ordinary views, so an event needs no permission of its own and carries nothing
personal. When Valkey is away nothing is lost but speed: pages poll.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings
from django.db import transaction

from omnistra.core.logs import get_logger

log = get_logger(__name__)
HEARTBEAT_SECONDS = 15
STREAM_SECONDS = 300  # then the browser connects anew, and is checked anew
_clients: dict[str, "redis.Redis"] = {}


def _client() -> "redis.Redis":
    url = settings.CACHE_URL
    if url not in _clients:
        _clients[url] = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    return _clients[url]


def answers() -> bool:
    """Whether the server of the events is there."""
    try:
        return bool(_client().ping())
    except redis.RedisError:
        return False


def _topic(workspace_id: UUID) -> str:
    return f"live:{workspace_id}"


def _exit(member_id: UUID) -> str:
    return f"live:exit:{member_id}"


def publish(workspace_id: UUID, kind: str, *conversation_ids: UUID) -> None:
    """Tell the workspace's open pages, once the transaction has committed, that conversations changed."""
    events = [json.dumps({"kind": kind, "conversation": str(each)}) for each in dict.fromkeys(conversation_ids)]

    def send() -> None:
        try:
            pipeline = _client().pipeline(transaction=False)
            for event in events[:100]:
                pipeline.publish(_topic(workspace_id), event)
            pipeline.execute()
        except redis.RedisError as error:
            log.warning("live.not_published", error=type(error).__name__)

    if events:
        transaction.on_commit(send, robust=True)


def turn_out(member_id: UUID) -> None:
    """End the open streams of a member, once the transaction has committed: they ask for admission anew."""

    def send() -> None:
        try:
            _client().publish(_exit(member_id), b"")
        except redis.RedisError as error:
            log.warning("live.not_published", error=type(error).__name__)

    transaction.on_commit(send, robust=True)


async def stream(workspace_id: UUID, member_id: UUID) -> AsyncIterator[str]:
    """Events of a workspace in the text/event-stream format, with a comment as heartbeat; ends after STREAM_SECONDS, or
    when the member is turned out."""
    yield "retry: 2000\n\n"
    client: Any = redis.asyncio.Redis.from_url(settings.CACHE_URL)
    try:
        async with client.pubsub() as events:
            await events.subscribe(_topic(workspace_id), _exit(member_id))
            yield "event: ready\ndata: {}\n\n"
            end = asyncio.get_running_loop().time() + STREAM_SECONDS
            while (now := asyncio.get_running_loop().time()) < end:
                message = await events.get_message(
                    ignore_subscribe_messages=True, timeout=min(HEARTBEAT_SECONDS, end - now)
                )
                if message and message["channel"].decode() == _exit(member_id):
                    return
                yield (f"event: change\ndata: {message['data'].decode()}\n\n" if message else ": still here\n\n")
    except (redis.RedisError, OSError):
        return
    finally:
        with contextlib.suppress(Exception):
            await client.aclose()
