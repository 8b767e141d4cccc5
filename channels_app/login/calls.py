"""What the login flows share: the apps, calls, and what a login finds."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from django.conf import settings

from channels_app.models import App
from omnistra.core import http


class LoginFailed(Exception):
    """The login led to nothing: the text says why and what to do. `code` is the platform's (0: none)."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


@dataclass(frozen=True, slots=True)
class AppKeys:
    """The app under which a login runs: the installation's, or the workspace's own."""

    id: str
    secret: str = field(repr=False)
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """One number, page or account that the login opens. `missing` says in words what it lacks to be connected."""

    provider: str
    external_id: str
    account_id: str
    name: str
    address: str = ""
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: str = ""
    needs_registration: bool = (
        False  # a number that the platform does not serve yet: it gets a PIN (whatsapp.md 3.1, 6)
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a login found. `user_id` is the person's id, as the platform names them to this app."""

    user_id: str
    offers: tuple[Offer, ...]

    def as_json(self) -> dict[str, Any]:
        """For the sealed attempt."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Found":
        return cls(value["user_id"], tuple(Offer(**each) for each in value["offers"]))


class Flow(Protocol):
    """One way to sign in."""

    slug: str
    provider: str
    app: App
    label: str
    platform: str  # where the person signs in
    rights: Mapping[str, str]  # scope -> what it is for, in words

    def is_set_up(self) -> bool:
        """Whether this installation has what the flow needs."""

    def dialog(self, app: AppKeys, state: str) -> str:
        """The address at which the person signs in."""

    def find(self, app: AppKeys, code: str) -> Found:
        """What the person's consent opens. Raises LoginFailed. Outside any transaction."""


def redirect_uri() -> str:
    """Where the platform sends the person back to: one address for all, as the app's settings list it."""
    return f"{settings.BASE_URL}/channels/login/"


def graph(path: str, base: str = "") -> str:
    """The address of a Graph call, with the version."""
    return f"{base or settings.META_GRAPH_URL}/{settings.META_GRAPH_VERSION}/{path}"


def call(method: str, url: str, *, token: str = "", **kwargs: Any) -> dict[str, Any]:
    """One call; gives the JSON of a success. Raises LoginFailed with the platform's own words, where it gave some."""
    if token:
        kwargs["headers"] = {"Authorization": f"Bearer {token}"}
    try:
        answer = http.client("meta_login").request(method, url, **kwargs)
    except (OSError, http.EgressRefused) as error:
        raise LoginFailed("The platform did not answer. Try again in a moment.") from error
    body = answer.json()
    if answer.status >= 400 or not isinstance(body, dict):
        raise LoginFailed(*_said(body))
    return body


def _said(body: Any) -> tuple[str, int]:
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    said = error.get("error_user_msg") or error.get("message") or (body or {}).get("error_message")
    words = str(said)[:300] if isinstance(said, str) else "The platform refused."
    return words, code if isinstance(code, int) and not isinstance(code, bool) else 0


def rows(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects of a list answer."""
    data = answer.get("data")
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def text(value: Any, limit: int = 200) -> str:
    """A string; ids may come as numbers of any size, whose digits are kept."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def ends_at(seconds: Any, now: datetime) -> str:
    """`expires_in` as a time (ISO 8601), "" for none that makes sense."""
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**9:
        return datetime.fromtimestamp(now.timestamp() + seconds, UTC).isoformat()
    return ""


def lacking(rights: Mapping[str, str], granted: Iterable[str]) -> str:
    """The rights that were not given, in words; "" when none is missing."""
    names = set(granted)
    missing = [f"{words} ({scope})" for scope, words in rights.items() if scope not in names]
    return "; ".join(missing)
