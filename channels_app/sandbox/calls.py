"""One request to the Graph API: who asks, for what, and the weather that strikes it; its line in the log."""

import json
import sqlite3
import time
from typing import Any

from django.http import HttpRequest, HttpResponse

from . import accounts, directory, faults, media, wire, world
from .errors import GraphError

CALLS_KEPT = 400


class Call:
    """One request to the Graph API, with who asks."""

    def __init__(self, request: HttpRequest, parts: list[str]) -> None:
        self.request, self.parts = request, parts
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        self.token = given.strip() if scheme.lower() == "bearer" else request.GET.get("access_token", "")
        self.origin = f"{request.scheme}://{request.get_host()}"
        self.strikes: list[faults.Strike] = []

    def authorize(self) -> sqlite3.Row:
        """The token's row. Raises GraphError 190 for none, an unknown, an expired or a revoked one."""
        if not self.token:
            raise GraphError(190, message="An access token is required to request this resource.")
        found = directory.token_row(self.token)
        if not found:
            raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token")
        proof = self.request.GET.get("appsecret_proof")
        if proof is not None and proof != directory.proof(self.token):
            raise GraphError(
                100,
                message="Invalid appsecret_proof provided in the API argument",
                kind="GraphMethodException",
            )
        return found

    def number(self, permission: str = "") -> sqlite3.Row:
        """The business number that the path names, if the token opens it. Raises GraphError."""
        try:
            found = directory.number(self.parts[0])
        except directory.Unknown:
            self.authorize()
            raise media.missing(self.parts[0]) from None
        self.strike("call", number=found["phone_number_id"])
        self.opens(found["waba_id"], permission)
        return found

    def business(self, permission: str = "") -> sqlite3.Row:
        """The business account that the path names, if the token opens it. Raises GraphError."""
        found = world.row("SELECT * FROM businesses WHERE waba_id = ?", self.parts[0])
        self.strike("call")
        if not found:
            self.authorize()
            raise media.missing(self.parts[0])
        self.opens(found["waba_id"], permission)
        return found

    def account(self, account_id: str = "") -> sqlite3.Row:
        """The Page or Instagram account that the path names (`me`: the one whose token it is), if the token opens it.
        A send to a Page with an Instagram person is a matter of page_graph. Raises GraphError."""
        wanted = account_id or self.parts[0]
        if wanted == "me":
            wanted = str(json.loads(self.authorize()["opens"])[0])
        self.strike("call", number=wanted)
        found = accounts.find(wanted)
        if not found:
            self.authorize()
            raise media.missing(wanted)
        token = self.authorize()
        if not {found["id"], found["page_id"]} & set(json.loads(token["opens"])):
            raise media.missing(wanted)
        return found

    def opens(self, waba_id: str, permission: str = "") -> sqlite3.Row:
        """The token's row, if it opens the business account. Raises GraphError."""
        token = self.authorize()
        if waba_id not in json.loads(token["opens"]):
            raise media.missing(self.parts[0])
        if permission and permission not in json.loads(token["scopes"]):
            raise GraphError(10, message="(#10) Application does not have permission for this action")
        return token

    def strike(self, *strikes: str, number: str = "") -> None:
        """Let the weather strike: waits, or raises GraphError, or leaves the rest in `strikes`."""
        app = accounts.find(number)
        self.strikes = faults.strike(strikes, *filter(None, (number, self.token)))
        for each in self.strikes:
            if each.kind == "slow":
                time.sleep(each["seconds"])
        for each in self.strikes:
            if each.kind == "error":
                raise GraphError(int(each["code"]), subcode=int(each["subcode"]))
            if app and (pair := faults.KINDS[each.kind].at(app["app"])):
                raise GraphError(pair[0], subcode=pair[1], message=f"(#{pair[0]}) {faults.KINDS[each.kind].label}")
            if not app and (code := faults.KINDS[each.kind].code):
                raise GraphError(code)

    def struck(self, kind: str) -> faults.Strike | None:
        """The strike of one kind, if it struck."""
        return next((each for each in self.strikes if each.kind == kind), None)


def parameters(request: HttpRequest) -> dict[str, Any]:
    """The parameters of a POST, as JSON or as a form. Raises GraphError 100 for JSON that is none."""
    if request.content_type != "application/json":
        return dict(request.POST.items())
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        raise GraphError(100, "The body is not valid JSON.") from None
    if not isinstance(given, dict):
        raise GraphError(100, "The body must be a JSON object.")
    return given


def cut(call: Call) -> HttpResponse:
    """End the connection without an answer."""
    response = wire.cut(call.request)
    response.cut_off = True  # type: ignore[attr-defined]
    return response


def log(method: str, path: str, code: int, note: str) -> None:
    """Note a call for the page that shows them."""
    with world.write() as db:
        made = db.execute(
            "INSERT INTO calls (at, method, path, code, note) VALUES (?, ?, ?, ?, ?)",
            (world.now(), method, path, code, note),
        )
        db.execute("DELETE FROM calls WHERE id <= ?", ((made.lastrowid or 0) - CALLS_KEPT,))
