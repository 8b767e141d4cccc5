"""The platform's place for the benchmark of campaigns: an ASGI application that takes every message and answers as the
Graph API does, after a while that a call over the internet takes."""

import asyncio
import itertools
import json
from typing import Any

TAKES = 0.08  # seconds
_numbers = itertools.count()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Take it."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(TAKES)
    body = json.dumps({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.bench{next(_numbers)}"}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
