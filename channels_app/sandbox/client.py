"""A Python hand for the control API: for tests, the demo and benchmarks. Speaks HTTP only, as everyone does
here.

    meta = Sandbox("http://127.0.0.1:8000")
    shop = meta.create_business(waba_id="310…", phone_number_id="210…", display_phone_number="+351 …",
                                verified_name="Northwind Tea", subscribed=True)
    meta.create_person(name="Lena Fields", wa_id="491701112233")
    meta.send("210…", "491701112233", text="Hello")
    meta.create_page(page_id="110…", name="Northwind Tea", subscribed=True)
    meta.create_instagram(ig_id="178…", username="northwind.tea", subscribed=True)
    meta.send("178…", "491701112233", text="Hello", reply_to="aWdf…")

A `number` is any channel: a phone number id, a Page id or an Instagram id. People are named by wa_id, BSUID, PSID, IGSID,
@name on Instagram or the sandbox's own id. Times are Unix seconds or aware datetimes."""

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

    def create_page(
        self, *, page_id: str, name: str, username: str = "", token: str = "", subscribed: bool = False
    ) -> JSON:
        """A Facebook Page and a token for it (see the answer's `token`). Without `subscribed` no webhook is posted until
        the product calls `POST /{page_id}/subscribed_apps`."""
        return self.call("page", page_id=page_id, name=name, username=username, token=token, subscribed=subscribed)

    def create_instagram(
        self, *, ig_id: str, username: str, name: str = "", page_id: str = "", token: str = "", subscribed: bool = False
    ) -> JSON:
        """A professional Instagram account: with `page_id` linked to that Page (flavour B: the Page's token opens it and
        the Page's subscription counts), else with a token of its own (flavour A)."""
        given = {"ig_id": ig_id, "username": username, "name": name, "page_id": page_id, "token": token}
        return self.call("instagram", **given, subscribed=subscribed)

    def create_person(
        self,
        *,
        name: str,
        wa_id: str = "",
        user_id: str = "",
        username: str = "",
        country: str = "",
        user_ids: Mapping[str, str] | None = None,
        instagram: str = "",
        scoped: Mapping[str, str] | None = None,
    ) -> JSON:
        """A person with a phone; without `wa_id` one who shows a username only. `scoped`: their PSID or IGSID by Page or
        Instagram account (made up otherwise); `instagram`: their name there. Repeating it is harmless."""
        return self.call(
            "person",
            name=name,
            wa_id=wa_id,
            user_id=user_id,
            username=username,
            country=country,
            user_ids=dict(user_ids or {}),
            instagram=instagram,
            scoped=dict(scoped or {}),
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
        content: Mapping[str, Any] | None = None,
        kind: str = "",
        caption: str = "",
        voice: bool = False,
        reply_to: str = "",
        forwarded: bool = False,
        referral: Mapping[str, Any] | None = None,
        at: When = None,
    ) -> JSON:
        """A person writes to a number, a Page or an Instagram account: one of `text`, `sample` (see samples.SAMPLES), `file`
        (a path, or name, bytes and MIME type), `location`, `contacts`, `unsupported`, or `content` with its `kind`. `kind`
        overrides what a file is sent as: image, video, audio, document, sticker; at Instagram also story_mention and
        story_reply, whose text is `caption`. Messenger and Instagram have link and post; Instagram like and ephemeral.
        `referral` is of the ad that led here. `at` sets the provider's timestamp. Gives `{"wamid", "webhooks"}`."""
        given: Any
        extra = ({"caption": caption} if caption else {}) | ({"voice": True} if voice else {})
        if text is not None:
            kind, given = "text", {"body": text}
        elif sample is not None or file is not None:
            if file is not None:
                stored = self._upload(number, file)
                kind, given = kind or stored["kind"], {"media": stored["media"], **extra}
            else:
                kind, given = kind or "sample", {"sample": sample, **extra}
            if kind == "story_reply":
                given["body"] = caption
        elif location is not None:
            kind, given = "location", dict(location)
        elif contacts is not None:
            kind, given = "contacts", [dict(each) for each in contacts]
        elif unsupported:
            kind, given = "unsupported", {}
        elif content is not None or kind:
            given = dict(content or {})
        else:
            raise ValueError("There is nothing to send.")
        return self.call(
            "send",
            number=number,
            person=person,
            type=kind,
            content=given,
            reply_to=reply_to,
            forwarded=forwarded,
            referral=dict(referral) if referral else None,
            at=_seconds(at),
        )

    def react(self, number: str, person: str, target: str, emoji: str, at: When = None) -> JSON:
        """A person reacts to a message (by its wamid); an empty emoji takes it back."""
        return self.call("react", number=number, person=person, target=target, emoji=emoji, at=_seconds(at))

    def tap(self, number: str, person: str, target: str, choice: str) -> JSON:
        """A person taps a button, a row or a quick reply of a message, by the choice's id (see sent()'s `choices`)."""
        return self.call("tap", number=number, person=person, target=target, choice=choice)

    def edit(self, number: str, person: str, target: str, text: str, at: When = None) -> JSON:
        """A person changes a text. WhatsApp: told only of a number that is used on a phone as well (use_on_phone)."""
        return self.call("edit", number=number, person=person, target=target, text=text, at=_seconds(at))

    def unsend(self, number: str, person: str, target: str, at: When = None) -> JSON:
        """A person takes a message back for everyone. Messenger tells nobody; WhatsApp as with edit()."""
        return self.call("unsend", number=number, person=person, target=target, at=_seconds(at))

    def postback(self, number: str, person: str, title: str, payload: str) -> JSON:
        """Messenger, Instagram: a person taps Get started, an ice breaker or the menu."""
        return self.call("postback", number=number, person=person, title=title, payload=payload)

    def refer(self, number: str, person: str, ref: str) -> JSON:
        """Messenger, Instagram: a person opens the thread by a link, without a word."""
        return self.call("refer", number=number, person=person, ref=ref)

    def write_elsewhere(self, number: str, person: str, text: str, at: When = None) -> str:
        """The business answers in Meta's inbox, or (WhatsApp) on its phone: an echo. Its id."""
        return str(self.call("elsewhere", number=number, person=person, text=text, at=_seconds(at))["wamid"])

    def unsend_elsewhere(self, number: str, target: str) -> None:
        """WhatsApp: the owner deletes for everyone what they wrote on the phone."""
        self.call("elsewhere", number=number, target=target)

    def hand_over(self, number: str, person: str, app: str = "") -> JSON:
        """Messenger, Instagram: another app takes the thread (standby, sends are refused); without `app` ours gets it."""
        return self.call("hand-over", number=number, person=person, app=app)

    def allow_access(self, number: str, allowed: bool) -> None:
        """Instagram: the owner switches "Allow access to messages"."""
        self.call("access", number=number, allowed=allowed)

    def change_number(self, person: str, wa_id: str) -> JSON:
        """WhatsApp: a person moves to another number; every number that they wrote to is told."""
        return self.call("change-number", person=person, wa_id=wa_id)

    def prefer(self, number: str, person: str, value: str) -> JSON:
        """WhatsApp: a person stops (`stop`) or wants again (`resume`) marketing, in WhatsApp's own menu."""
        return self.call("prefer", number=number, person=person, value=value)

    def use_on_phone(self, number: str, on_phone: bool = True) -> None:
        """WhatsApp: the number is used in the WhatsApp Business app as well, so that edits, messages taken back and what
        is written there are told."""
        self.call("on-phone", number=number, on_phone=on_phone)

    def place_template(
        self, waba_id: str, name: str, language: str, components: Sequence[Mapping[str, Any]], *,
        category: str = "UTILITY", status: str = "APPROVED", parameter_format: str = "positional",
    ) -> str:  # fmt: skip
        """A template that has been there for long: no webhook. Its id."""
        given = {"waba_id": waba_id, "name": name, "language": language, "category": category, "status": status}
        parts = [dict(each) for each in components]
        return str(self.call("template", **given, components=parts, parameter_format=parameter_format)["id"])

    def decide_template(self, template: str, status: str, reason: str = "NONE") -> None:
        """Meta gives a template another status (APPROVED, REJECTED, PAUSED, DISABLED …) and tells of it. What is handed in
        while `configure(review="wait")` holds waits for this; `reject` refuses all."""
        self.call("template", id=template, status=status, reason=reason)

    def rate_template(self, template: str, quality: str) -> None:
        """Meta gives a template another quality (GREEN, YELLOW, RED) and tells of it."""
        self.call("template", id=template, quality=quality)

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
        """What the business sent, in order: wamid, type, content, text, choices, context, callback_data, status, error,
        sent_from ("": by the API; phone, inbox), edited, unsent."""
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
        """world.DEFAULTS: `pace` (0: statuses and reviews at once), `retry_first`, `retry_cap`, `clock`, `review` (approve,
        reject, wait), `callback`, `callback_messenger`, `callback_instagram`."""
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
        """Wait until every template is decided, every status is out and every webhook answered with 200 (in the order in
        which work moves); False when time was too short."""
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
