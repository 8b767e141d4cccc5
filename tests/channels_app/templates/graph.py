"""Meta's side of templates for tests: answers what is prepared, and keeps what was asked."""

from collections.abc import Callable
from typing import Any

import pytest

from channels_app.contract import ProviderError
from channels_app.providers.whatsapp.provider import WhatsApp


class Graph:
    """Stands where a Graph call would leave the machine."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: Callable[[str, str, dict[str, Any]], Any] = lambda method, path, request: {"success": True}

    def call(self, _platform: Any, method: str, path: str, _credentials: Any, *_: Any, **request: Any) -> Any:
        self.asked.append((method, path, request))
        answer = self.answer(method, path, request)
        if isinstance(answer, ProviderError):
            raise answer
        return answer


@pytest.fixture
def graph(monkeypatch) -> Graph:
    """No call leaves the machine."""
    given = Graph()
    monkeypatch.setattr(WhatsApp, "_call", lambda *args, **request: given.call(*args, **request))
    return given


def template(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A template as Meta lists it."""
    return {
        "id": str(710000000000000 + number), "name": f"order_ready_{number}", "language": "en", "status": "APPROVED",
        "category": "UTILITY", "quality_score": {"score": "GREEN"}, "rejected_reason": "NONE",
        "components": [{"type": "BODY", "text": "Hello {{1}}, your order is ready."}],
    } | changes  # fmt: skip
