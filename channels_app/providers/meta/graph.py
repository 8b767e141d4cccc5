"""Calls to the Graph API, and downloads from Meta's file hosts."""

import hashlib
from collections.abc import Callable
from typing import IO, Any

from django.conf import settings

from channels_app.contract import (
    MediaAnswer,
    MediaGone,
    ProviderError,
    Retryable,
    Unknown,
)
from omnistra.core import http

MB = 1024 * 1024
MAX_INBOUND = 100 * MB
ErrorOf = Callable[[int, Any], ProviderError]  # HTTP status, JSON of the answer


def call(
    platform: str, error_of: ErrorOf, method: str, path: str, token: str, *, base: str = "", **kwargs: Any
) -> dict[str, Any]:
    """One call; gives the JSON of a success. The token goes in a header, never in an address. Raises ProviderError:
    Retryable where the call certainly did not arrive, Unknown where nobody knows what came of it."""
    url = f"{base or settings.META_GRAPH_URL}/{settings.META_GRAPH_VERSION}/{path}"
    try:
        answer = http.client("meta").request(method, url, headers={"Authorization": f"Bearer {token}"}, **kwargs)
    except http.NotSent as error:
        raise Retryable(f"{platform} could not be reached.") from error
    except (http.OutcomeUnknown, http.AnswerTooLarge) as error:
        raise Unknown(f"The connection to {platform} broke while sending.") from error
    body = answer.json()
    if answer.status >= 400:
        raise error_of(answer.status, body)
    if not isinstance(body, dict):
        raise Unknown(f"{platform}'s answer could not be read.")
    return body


def ask(platform: str, error_of: ErrorOf, path: str, token: str, **kwargs: Any) -> dict[str, Any]:
    """A GET, which changes nothing: whatever went wrong, it may be asked again. Raises ProviderError."""
    try:
        return call(platform, error_of, "GET", path, token, **kwargs)
    except Unknown as error:
        raise Retryable(error.title) from error


def download(
    platform: str, url: str, target: IO[bytes], *, purpose: str, judge: Callable[[int], None], token: str = ""
) -> MediaAnswer:
    """Write a file to `target`: from a host of the register alone, without redirects, 100 MB at most. `judge` raises what
    a status other than 200 means. Raises Retryable, MediaGone and what `judge` raises."""
    headers = {"User-Agent": "Omnistra"} | ({"Authorization": f"Bearer {token}"} if token else {})
    digest, written = hashlib.sha256(), 0
    try:
        with http.client(purpose).stream("GET", url, headers=headers) as response:
            if response.status_code != 200:
                judge(response.status_code)
            mime = str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
            for chunk in response.iter_content(64 * 1024):
                written += len(chunk)
                if written > MAX_INBOUND:
                    raise MediaGone("The file is larger than 100 MB.")
                digest.update(chunk)
                target.write(chunk)
    except http.EgressRefused as error:
        raise MediaGone(f"{platform} named an address outside its own hosts.") from error
    except (http.NotSent, http.OutcomeUnknown) as error:
        raise Retryable("The download broke off.") from error
    return MediaAnswer(mime[:120], written, digest.hexdigest())


def judge_address(status: int) -> None:
    """What an address that the webhook named answers: it cannot be renewed, so what is not there now is gone."""
    if status == 429 or status >= 500:
        raise Retryable("The file could not be fetched now.")
    if 300 <= status < 400:
        raise MediaGone("The file's address leads elsewhere, where we do not follow.")
    raise MediaGone("The file's address has expired.")
