"""How often something may happen: a sliding window, counted in Valkey for all processes together.

A window is counted in CELLS parts, so that a name costs a few bytes however high its limit is. The part that the window
is about to leave still counts: in no stretch of time as long as the window is the limit ever passed. What is refused
does not count.
"""

import time
from dataclasses import dataclass

import redis

from omnistra.core import valkey
from omnistra.core.logs import get_logger

log = get_logger(__name__)
CELLS = 60
_TAKE = """
local now, limit, take = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cells = redis.call('HGETALL', KEYS[1])
local used, oldest = 0, now
for i = 1, #cells, 2 do
  local cell = tonumber(cells[i])
  if cell < now - tonumber(ARGV[4]) then
    redis.call('HDEL', KEYS[1], cells[i])
  else
    used = used + tonumber(cells[i + 1])
    oldest = math.min(oldest, cell)
  end
end
local allowed = used < limit
if allowed and take == 1 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  used = used + 1
end
return {allowed and 1 or 0, limit - used, oldest}
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left: `remaining` times now, more in `reset` seconds at the latest."""

    allowed: bool
    limit: int
    seconds: int
    remaining: int
    reset: int


def take(name: str, limit: int, seconds: int, *, count: bool = True) -> Rate | None:
    """One time more of `name`, of which `limit` are allowed within any `seconds`; with `count=False` only a look.

    None when Valkey does not answer: the caller decides what that means. `name` holds nothing personal.
    """
    now = int(time.time() * CELLS / seconds)
    values = (now, limit, int(count), CELLS, int(seconds * 1000 * (1 + 2 / CELLS)))
    try:
        allowed, remaining, oldest = valkey.client().eval(_TAKE, 1, f"rate:{name}", *values)
    except redis.RedisError as error:
        log.warning("rates.not_counted", error=type(error).__name__)
        return None
    reset = max(1, -(-(oldest + CELLS + 1 - now) * seconds // CELLS))
    return Rate(bool(allowed), limit, seconds, remaining, reset)
