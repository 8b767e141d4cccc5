"""Server-sent events: tells open pages that something of their workspace changed, by ids alone.

Pages fetch what they show through the ordinary views, so an event carries nothing personal. It names its channel, so
that a page that is limited to channels hears of no conversation on another one. When Valkey is away nothing is lost but
speed: pages poll.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings
from django.db import transaction

from omnistra.core import valkey
from omnistra.core.logs import get_logger

log = get_logger(__name__)
HEARTBEAT_SECONDS = 15
STREAM_SECONDS = 300  # then the browser connects anew, and is checked anew


def answers() -> bool:
    """Whether the server of the events is there."""
    try:
        return bool(valkey.client().ping())
    except redis.RedisError:
        return False


def _topic(workspace_id: UUID) -> str:
    return f"live:{workspace_id}"


def _exit(member_id: UUID) -> str:
    return f"live:exit:{member_id}"


def publish(workspace_id: UUID, kind: str, conversations: Mapping[UUID, UUID]) -> None:
    """Tell the workspace's open pages, once the transaction has committed, that conversations changed.

    `conversations`: the id of each, and of its channel.
    """
    events = [
        json.dumps({"kind": kind, "conversation": str(conversation), "channel": str(channel)})
        for conversation, channel in conversations.items()
    ]

    def send() -> None:
        try:
            pipeline = valkey.client().pipeline(transaction=False)
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
            valkey.client().publish(_exit(member_id), b"")
        except redis.RedisError as error:
            log.warning("live.not_published", error=type(error).__name__)

    transaction.on_commit(send, robust=True)


def _concerns(event: bytes, channels: Collection[UUID] | None) -> bool:
    return channels is None or UUID(json.loads(event)["channel"]) in channels


async def stream(workspace_id: UUID, member_id: UUID, channels: Collection[UUID] | None = None) -> AsyncIterator[str]:
    """Events of a workspace (of these channels alone, where any are named) in the text/event-stream format, with a
    comment as heartbeat; ends after STREAM_SECONDS, or when the member is turned out."""
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
                if message is None:
                    yield ": still here\n\n"
                elif message["channel"].decode() == _exit(member_id):
                    return
                elif _concerns(message["data"], channels):
                    yield f"event: change\ndata: {message['data'].decode()}\n\n"
    except (redis.RedisError, OSError):
        return
    finally:
        with contextlib.suppress(Exception):
            await client.aclose()
