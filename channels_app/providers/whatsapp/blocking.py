"""Blocking a person (providers/whatsapp.md 16): what they write brings no webhook any more."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from channels_app.contract import Permanent, Retryable
from channels_app.providers.whatsapp import errors
from omnistra.core import http


def set_blocked(external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], blocked: bool) -> None:
    """Ask for it. A partial success comes as HTTP 400, so the body is read person by person. Asking twice is harmless,
    so an unclear outcome may be asked again. Raises ProviderError."""
    if number := handles.get("wa_id"):
        person = {"user": f"+{number}"}
    elif scoped := handles.get("bsuid"):
        person = {"user_id": scoped}
    else:
        raise Permanent("This contact has no WhatsApp address.")
    wanted = next(iter(person.values()))
    try:
        answer = http.client("meta").request(
            "POST" if blocked else "DELETE",
            f"{settings.META_GRAPH_URL}/{settings.META_GRAPH_VERSION}/{external_id}/block_users",
            headers={"Authorization": f"Bearer {credentials.get('token', '')}"},
            json={"messaging_product": "whatsapp", "block_users": [person]},
        )
    except (OSError, http.EgressRefused) as error:
        raise Retryable("WhatsApp could not be reached.") from error
    body = answer.json()
    result = body.get("block_users") if isinstance(body, dict) else None
    result = result if isinstance(result, dict) else {}
    for failed in _people(result, "failed_users"):
        if _same(failed, wanted):
            listed = failed.get("errors")
            first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
            code = first.get("code")
            raise errors.error_of(code if isinstance(code, int) else 139100, str(first.get("message") or "")[:500])
    done = "added_users" if blocked else "removed_users"
    if any(_same(each, wanted) for each in _people(result, done)):
        return
    if answer.status >= 400:
        raise errors.from_answer(answer.status, body)
    raise Permanent(
        "WhatsApp blocks only people who wrote in the last 24 hours." if blocked else "They are not blocked."
    )


def _people(result: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = result.get(name)
    return (each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else iter(())


def _same(person: Mapping[str, Any], wanted: str) -> bool:
    plain = wanted.removeprefix("+")
    return plain in {str(person.get(name, "")).removeprefix("+") for name in ("input", "wa_id", "user_id")}
