"""The load generator, a process of its own: `python -m tests.bench.load PORT CONNECTIONS SECONDS RATE PREFIX`.

RATE 0: each connection sends its next request as soon as it has the answer (the maximum). Otherwise requests start at
fixed times, and a request's latency counts from the time at which it should have started, so that a stall is not
hidden by the waiting that it causes. Prints requests per second and p50, p99 in milliseconds as JSON.
"""

import asyncio
import json
import os
import sys
import time

from channels_app.sandbox.envelopes import sign
from tests.bench.bodies import single


def _requests(number: int, prefix: str, channel: tuple[str, str]) -> list[bytes]:
    secret = os.environ["META_APP_SECRET"]
    made = []
    for place in range(number):
        body = single(channel, f"{prefix}{place}", place % 997)
        head = (
            "POST /webhooks/whatsapp/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: {sign(body, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
    if b"chunked" in head.lower():
        await reader.readuntil(b"0\r\n\r\n")
        return
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))


async def _drive(port: int, connections: int, seconds: float, rate: float, requests: list[bytes]) -> dict[str, float]:
    latencies: list[float] = []
    waiting = iter(requests)
    begun = time.perf_counter() + 0.1
    starts = iter(begun + place / rate for place in range(len(requests))) if rate else None

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            due = next(starts) if starts else max(begun, time.perf_counter())
            if due > begun + seconds or (request := next(waiting, None)) is None:
                break
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            await _exchange(reader, writer, request)
            latencies.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    took = time.perf_counter() - begun
    latencies.sort()
    return {
        "rate": len(latencies) / took,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
    }


def main() -> None:
    """Make the signed requests first, then send them."""
    port, connections, seconds, rate, prefix, phone_id, waba_id = sys.argv[1:]
    number = int(float(rate) * float(seconds) * 1.1) if float(rate) else int(4000 * float(seconds))
    requests = _requests(number, prefix, (phone_id, waba_id))
    print(json.dumps(asyncio.run(_drive(int(port), int(connections), float(seconds), float(rate), requests))))


if __name__ == "__main__":
    main()
