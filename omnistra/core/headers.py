"""Headers of every answer: pages, API, webhooks, event streams, files, redirects and errors alike.

The outermost middleware, so that nothing that answers earlier can be without them. Whoever needs another value sets it;
these are the defaults. HTTPS and its memory (HSTS) are Django's SecurityMiddleware, nonces django-csp's.
"""

from collections.abc import Callable, MutableMapping

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    # Features that no page uses. Passkeys (publickey-credentials-*) stay as browsers have them: for this site alone.
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
            "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "serial", "usb",
            "xr-spatial-tracking",
        )
    ),
}  # fmt: skip
_NOT_A_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def complete(headers: MutableMapping[str, str], storable: bool = False) -> None:
    """Add what an answer lacks. What is not `storable` (a static file) may be personal: no cache keeps it."""
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    if "Content-Security-Policy" not in headers:
        page = headers.get("Content-Type", "").startswith("text/html")
        headers["Content-Security-Policy"] = build_policy() if page else _NOT_A_PAGE
    if not storable:
        headers.setdefault("Cache-Control", "no-store, private")


class HeadersMiddleware:
    """Completes the headers of whatever comes back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        complete(response.headers, response.status_code < 400 and request.path_info.startswith(settings.STATIC_URL))
        return response
