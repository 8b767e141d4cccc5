"""Structured logs that hold ids, counts and names of code, never a person's data.

1. Every value passes the same filter: ids, numbers and short code words stay, everything else becomes `[redacted]`.
2. Records of libraries are scrubbed of addresses, numbers and tokens.
3. A traceback gives the frames and the type of the error, not its message, which may quote a row.
"""

import logging
import logging.config
import re
import traceback
from typing import Any
from uuid import UUID

import structlog

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_WORD = re.compile(rf"(?:{_UUID}|[A-Za-z_][A-Za-z0-9_.:/-]{{0,63}})\Z")
_HIDDEN = re.compile(
    rf"(?P<keep>{_UUID})|[\w.+-]+@[\w-]+\.[\w.]+|\bwamid\.\S+|\b(?:Bearer|sha256=|EAA)\S*\s?\S*|\+?\d[\d\s().-]{{5,}}\d"
)
REDACTED = "[redacted]"


def scrub(text: str) -> str:
    """`text` without e-mail addresses, message ids, tokens and numbers of seven digits or more; UUIDs stay."""
    return _HIDDEN.sub(lambda match: match.group("keep") or REDACTED, text)


def _safe(value: Any) -> Any:
    if value is None or isinstance(value, bool | float | UUID):
        return value if not isinstance(value, UUID) else str(value)
    if isinstance(value, int):
        return value if abs(value) < 1_000_000 else REDACTED
    if isinstance(value, str):
        plain = _WORD.match(value) and scrub(value) == value and not re.search(r"\d{7,}", re.sub(_UUID, "", value))
        return value if plain else REDACTED
    return REDACTED


def _redact(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    for name, value in event.items():
        if name not in ("event", "timestamp", "level", "logger", "trace", "_record", "_from_structlog"):
            event[name] = _safe(value)
    event["event"] = scrub(str(event.get("event", "")))
    return event


def frames(error: BaseException) -> str:
    """The type of an error and where it happened, without its message."""
    places = [
        f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return f"{type(error).__name__}: " + " < ".join(reversed(places[-8:]))


def _trace(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    info = event.pop("exc_info", None)
    record = event.get("_record")
    if info is None and record is not None:
        info = record.exc_info
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else None
    if error is not None:
        event["trace"] = frames(error)
    return event


_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.ExtraAdder(allow=[]),
    _trace,
    _redact,
]


def configure(_: Any) -> None:
    """Set up logging (Django calls it with LOGGING): one JSON line a record on standard error."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
        keep_exc_info=False,
        keep_stack_info=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name, level in {
        "django.request": "ERROR",
        "django.server": "WARNING",
        "uvicorn.access": "ERROR",
    }.items():
        logging.getLogger(name).setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "celery", "celery.app.trace", "django.db.backends"):
        logging.getLogger(name).setLevel("WARNING")


def get_logger(name: str) -> Any:
    """A logger: `log.info("delivery.sent", delivery=id, attempts=2)`. Event names are dotted code words."""
    return structlog.stdlib.get_logger(name)
