"""A Python hand for the control API: for tests, the demo and benchmarks. Speaks HTTP only, as everyone does
here.

    meta = Sandbox("http://127.0.0.1:8000")
    shop = meta.create_business(waba_id="310…", phone_number_id="210…", display_phone_number="+351 …",
                                verified_name="Northwind Tea", subscribed=True)
    meta.create_person(name="Lena Fields", wa_id="491701112233")
    meta.send("210…", "491701112233", text="Hello")

People are named by wa_id, BSUID or the sandbox's own id. Times are Unix seconds or aware datetimes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

JSON = dict[str, Any]
When = float | datetime | None


class Refused(RuntimeError):
    """The sandbox refused a call; the message says why."""


class Sandbox:
    """The control API of one sandbox."""

    def __init__(self, base_url: str, timeout: float = 90.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Sandbox"] = "client"

    @property
    def graph_url(self) -> str:
        """What META_GRAPH_URL is set to."""
        return f"{self.base_url}/sandbox/graph"

    def call(self, name: str, /, **given: Any) -> JSON:
        """One call by its name. Raises Refused."""
        answer = self._session.post(f"{self.base_url}/sandbox/api/{name}", json=given, timeout=self._timeout)
        return self._read(name, answer)

    def reset(self) -> None:
        """Forget everything."""
        self.call("reset")

    def create_business(
        self,
        *,
        waba_id: str,
        phone_number_id: str,
        display_phone_number: str,
        verified_name: str,
        token: str = "",
        subscribed: bool = False,
    ) -> JSON:
        """A business number and a token for it (made when empty; see the answer's `token`). Without
        `subscribed` no webhook is posted until the product calls `POST /{waba_id}/subscribed_apps`, as at
        Meta."""
        return self.call(
            "business",
            waba_id=waba_id,
            phone_number_id=phone_number_id,
            display_phone_number=display_phone_number,
            verified_name=verified_name,
            token=token,
            subscribed=subscribed,
        )

    def create_person(
        self,
        *,
        name: str,
        wa_id: str = "",
        user_id: str = "",
        username: str = "",
        country: str = "",
        user_ids: Mapping[str, str] | None = None,
    ) -> JSON:
        """A person with a phone; without `wa_id` one who shows a username only. Repeating it is harmless."""
        return self.call(
            "person",
            name=name,
            wa_id=wa_id,
            user_id=user_id,
            username=username,
            country=country,
            user_ids=dict(user_ids or {}),
        )

    def send(
        self,
        number: str,
        person: str,
        *,
        text: str | None = None,
        sample: str | None = None,
        file: Path | tuple[str, bytes, str] | None = None,
        location: Mapping[str, Any] | None = None,
        contacts: Sequence[Mapping[str, Any]] | None = None,
        unsupported: bool = False,
        kind: str = "",
        caption: str = "",
        voice: bool = False,
        reply_to: str = "",
        forwarded: bool = False,
        at: When = None,
    ) -> JSON:
        """A person writes: one of `text`, `sample` (see samples.SAMPLES), `file` (a path, or name, bytes
        and MIME type; `kind` overrides image, video, audio, document, sticker), `location`, `contacts`,
        `unsupported`. `at` sets the provider's timestamp. Gives `{"wamid", "webhooks"}`."""
        content: Any
        extra = ({"caption": caption} if caption else {}) | ({"voice": True} if voice else {})
        if text is not None:
            kind, content = "text", {"body": text}
        elif sample is not None:
            kind, content = "sample", {"sample": sample, **extra}
        elif file is not None:
            stored = self._upload(number, file)
            kind = kind or stored["kind"]
            content = {"media": stored["media"], **extra}
        elif location is not None:
            kind, content = "location", dict(location)
        elif contacts is not None:
            kind, content = "contacts", [dict(each) for each in contacts]
        elif unsupported:
            kind, content = "unsupported", {}
        else:
            raise ValueError("There is nothing to send.")
        return self.call(
            "send",
            number=number,
            person=person,
            type=kind,
            content=content,
            reply_to=reply_to,
            forwarded=forwarded,
            at=_seconds(at),
        )

    def react(self, number: str, person: str, target: str, emoji: str, at: When = None) -> JSON:
        """A person reacts to a message (by its wamid); an empty emoji takes it back."""
        return self.call("react", number=number, person=person, target=target, emoji=emoji, at=_seconds(at))

    def bulk(
        self,
        number: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        per_body: int = 1,
        times: int = 1,
        seed: int | None = None,
    ) -> JSON:
        """Many messages (`{"person", "text", "at"?, "number"?}`), each `times` times, shuffled by `seed`,
        `per_body` to a webhook. Gives `{"wamids", "webhooks"}`; wait for them with settle()."""
        listed = [{**each, "at": _seconds(each.get("at"))} for each in messages]
        return self.call("bulk", number=number, messages=listed, per_body=per_body, times=times, seed=seed)

    def past(self, number: str, person: str, text: str, at: When, *, status: str = "read", reply_to: str = "") -> str:
        """What the business said before the sandbox was there: shown on the phone, no call and no webhook.
        Its wamid."""
        given = self.call(
            "past", number=number, person=person, text=text, at=_seconds(at), status=status, reply_to=reply_to
        )
        return str(given["wamid"])

    def sent(self, person: str | None = None, number: str | None = None) -> list[JSON]:
        """What the business sent, in order: wamid, type, content, context, callback_data, status, error."""
        found: list[JSON] = self.call("sent", person=person, number=number)["messages"]
        return found

    def sent_by_callback_data(self) -> dict[str, int]:
        """How often each biz_opaque_callback_data was accepted: more than once means sent twice."""
        found: dict[str, int] = self.call("sent")["by_callback_data"]
        return found

    def look(self, number: str, person: str, away: bool = False) -> None:
        """The person opens the chat: what was delivered is read. `away`: they put it away again."""
        self.call("look", number=number, person=person, away=away)

    def go_offline(self, person: str) -> None:
        """The phone is off: statuses stay at `sent`."""
        self.call("presence", person=person, offline=True)

    def come_online(self, person: str) -> None:
        """The phone is back: what waited is delivered."""
        self.call("presence", person=person, offline=False)

    def fault(self, kind: str, *, scope: str = "*", times: int | None = 1, **more: Any) -> int:
        """Bad weather (faults.KINDS) for a phone number id, a token or `*`: `times` None lasts until
        cleared; more: `probability`, `seed` and the kind's own parameters. Gives the fault's id."""
        return int(self.call("fault", kind=kind, scope=scope, times=times, **more)["id"])

    def clear_faults(self, fault: int | None = None) -> None:
        """Take one fault away, or all."""
        self.call("clear-faults", id=fault)

    def revoke(self, token: str, revoked: bool = True) -> None:
        """The customer removes the app at Meta."""
        self.call("token", token=token, revoked=revoked)

    def configure(self, **changes: Any) -> JSON:
        """world.DEFAULTS: `pace` (0: statuses at once), `retry_first`, `retry_cap`, `clock`, `callback`."""
        return self.call("settings", **changes)

    def set_clock(self, now: When) -> None:
        """Set Meta's clock (None: back to the machine's): timestamps of statuses, windows, ages of media
        follow it."""
        moment = _seconds(now)
        self.configure(clock=0.0 if moment is None else moment - datetime.now().timestamp())

    def log(self, limit: int = 40) -> JSON:
        """The last `webhooks` and Graph `calls`, newest first, and how many webhooks are `waiting`."""
        return self.call("log", limit=limit)

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until every webhook is answered with 200 and every status is out; False when time was too
        short."""
        return bool(self.call("settle", timeout=timeout)["settled"])

    def _upload(self, number: str, file: Path | tuple[str, bytes, str]) -> JSON:
        name, body, mime = (file.name, file.read_bytes(), "") if isinstance(file, Path) else file
        answer = self._session.post(
            f"{self.base_url}/sandbox/api/upload",
            data={"number": number, "type": mime},
            files={"file": (name, body, mime) if mime else (name, body)},
            timeout=self._timeout,
        )
        return self._read("upload", answer)

    @staticmethod
    def _read(name: str, answer: requests.Response) -> JSON:
        try:
            given: JSON = answer.json()
        except ValueError:
            raise Refused(f"{name}: HTTP {answer.status_code}") from None
        if answer.status_code != 200:
            raise Refused(f"{name}: {given.get('error', answer.status_code)}")
        return given


def _seconds(moment: When) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else moment
