"""API errors as RFC 9457 `application/problem+json`: what happened, what to do, nothing leaked."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response


class ProblemRenderer(JSONRenderer):
    """JSON under the media type of problem details."""

    media_type = "application/problem+json"


def problem(status: int, title: str, detail: str, code: str = "error") -> JsonResponse:
    """A problem document outside of the framework's views."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return JsonResponse(body, status=status, content_type=ProblemRenderer.media_type)


class TooLarge(exceptions.APIException):
    """The body is larger than an endpoint reads."""

    status_code = 413
    default_detail = "The body is too large: 3 MB at most."
    default_code = "too_large"


class Conflict(exceptions.APIException):
    """The request contradicts the state of things."""

    status_code = 409
    default_detail = "This is not possible in the present state."
    default_code = "conflict"


class Refusal(exceptions.APIException):
    """A message that is not sent: the code says why, the detail what to do."""

    status_code = 422

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)


_TITLES = {
    400: "The request is not valid", 401: "Sign in with an API key", 403: "This key may not do that",
    404: "Not found", 405: "Method not allowed", 409: "Conflict", 415: "Send JSON", 422: "Not sent",
    413: "The request is too large", 429: "Too many requests",
}  # fmt: skip


def _flatten(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            each for name, value in detail.items() for each in _flatten(value, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(detail, list):
        return [
            each
            for number, value in enumerate(detail)
            for each in _flatten(value, path if not isinstance(value, dict) else f"{path}[{number}]")
        ]
    return [{"field": path or "body", "detail": str(detail)}]


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: the problem document of an error; None for what is our own fault (Django answers 500)."""
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such object in this workspace.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    if not isinstance(error, exceptions.APIException):
        return None
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLES.get(error.status_code, "The request failed"),
        "status": error.status_code,
    }
    if isinstance(error, exceptions.ValidationError):
        problem["detail"] = "Some fields are not valid."
        problem["errors"] = _flatten(error.detail)
    else:
        problem["detail"] = str(error.detail)
        problem["code"] = str(getattr(error.detail, "code", error.default_code))
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    response = Response(problem, status=error.status_code, headers=headers)
    request = context.get("request")
    if request is not None:
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = ProblemRenderer.media_type
    return response
