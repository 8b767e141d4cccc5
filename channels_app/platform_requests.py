"""Meta's callbacks: a person who connected something deletes their data, or takes the app's access back
(providers/whatsapp.md 17, instagram.md 2).

1. Nothing is believed but what the app's secret signed, over the text as it came.
2. The callback stores what was asked and looks nothing up: its time and its words are the same for a stranger. A job
   finds what rests on the person's login.
3. Both end the connections that rest on that login, and nothing else of the workspace.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from channels_app import events
from channels_app.models import App, Channel, ChannelLogin
from channels_app.records import user_hash
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import data_requests
from privacy.models import DataRequest

_LONGEST = 8192


def secrets_of(app: str) -> tuple[str, ...]:
    """The secrets that may sign for an app. Which one signs for Instagram is not documented: any (instagram.md 14)."""
    meta = (settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS)
    return meta if app == App.META else (settings.INSTAGRAM_APP_SECRET, *meta)


def signed_user(signed_request: str, secrets: Sequence[str]) -> str | None:
    """The person whom a signed_request names; None when no secret signed it or it is malformed."""
    if len(signed_request) > _LONGEST or signed_request.count(".") != 1 or not signed_request.isascii():
        return None
    given, payload = signed_request.split(".")
    signature, body = _decoded(given), _decoded(payload)
    if signature is None or body is None:
        return None
    holds = False
    for secret in filter(None, secrets):
        holds |= hmac.compare_digest(hmac.digest(secret.encode(), payload.encode(), hashlib.sha256), signature)
    if not holds:
        return None
    try:
        named = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(named, dict) or str(named.get("algorithm", "")).upper() != "HMAC-SHA256":
        return None
    user_id = named.get("user_id")
    user_id = str(user_id) if isinstance(user_id, str | int) and not isinstance(user_id, bool) else ""
    return user_id if user_id.isdigit() and len(user_id) <= 64 else None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def ask_deletion(app: str, user_id: str) -> DataRequest:
    """Store the request; the person's open one, if there is one. A job carries it out."""
    return data_requests.receive(DataRequest.Type.DELETE, app, user_hash(app, user_id))


def ask_deauthorisation(app: str, user_id: str) -> None:
    """The same for access that was taken back: nothing is answered, so no code is needed."""
    data_requests.receive(DataRequest.Type.WITHDRAW, app, user_hash(app, user_id))


def carry_out() -> int:
    """Carry out the open requests; gives how many were done. One that breaks off is taken up by the next run."""
    done = 0
    for request in data_requests.open_ones():
        with transaction.atomic(), system_scope("channels.carry_out_requests"):
            logins = list(
                ChannelLogin.objects.filter(
                    app=request.source, user_hash=request.subject_hash, channel__own_app=False
                )
                .values_list("workspace_id", "channel_id")
            )  # fmt: skip
        for workspace_id, channel_id in logins:
            with workspace_scope(workspace_id), transaction.atomic():
                channel = Channel.objects.select_for_update(of=("self",)).filter(pk=channel_id).first()
                if channel is not None:
                    events.cut_off(channel, "login_taken_back", at=request.received_at)
        data_requests.settle(request, erased=len(logins))
        done += 1
    return done
