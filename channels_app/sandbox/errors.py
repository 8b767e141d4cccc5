"""Meta's error bodies, and which HTTP status each code comes with (facts 1 and 15)."""

import secrets
import string
from typing import Any

from django.http import HttpResponse, JsonResponse

# Code -> HTTP status, title, details that Meta gives when there is nothing more to say.
CODES: dict[int, tuple[int, str, str]] = {
    2: (503, "Service temporarily unavailable", "Temporary issue. Wait and retry the operation."),
    4: (400, "Application request limit reached", "The app has reached its API call rate limit."),
    10: (403, "Application does not have permission for this action", "The token lacks a permission."),
    100: (400, "Invalid parameter", "A parameter is missing or not valid."),
    190: (401, "Invalid OAuth access token", "The access token is not valid."),
    368: (403, "Temporarily blocked for policies violations", "The account has been restricted."),
    80007: (400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130429: (400, "Rate limit hit", "Cloud API message throughput has been reached."),
    131000: (500, "Something went wrong", "Message failed to send due to an unknown error."),
    131008: (400, "Required parameter is missing", "A required parameter is missing."),
    131009: (400, "Parameter value is not valid", "A parameter has a value that is not valid."),
    131016: (500, "Service unavailable", "A service is temporarily unavailable."),
    131021: (400, "Recipient cannot be sender", "Sender and recipient phone number are the same."),
    131026: (400, "Message undeliverable", "Unable to deliver message."),
    131031: (403, "Account has been locked", "The account has been restricted or disabled."),
    131042: (400, "Business eligibility payment issue", "There is a problem with the payment method."),
    131047: (
        400,
        "Re-engagement message",
        "More than 24 hours have passed since the recipient last replied.",
    ),
    131048: (400, "Spam rate limit hit", "Too many previous messages were blocked or flagged as spam."),
    131049: (400, "Meta chose not to deliver", "Not delivered, to maintain healthy ecosystem engagement."),
    131051: (400, "Message type unknown", "Message type is currently not supported."),
    131053: (400, "Media upload error", "The media file could not be used."),
    131056: (
        400,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Too many messages to this person.",
    ),
    131057: (500, "Account in maintenance mode", "The account is being upgraded."),
    132001: (404, "Template does not exist", "The template does not exist in that language."),
    133005: (400, "Two step verification PIN Mismatch", "The two-step verification PIN is not right."),
    133010: (400, "Phone number not registered", "The phone number is not registered on the platform."),
}
DOCS = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


class GraphError(Exception):
    """An answer of the Graph API that is an error. `status` overrides the HTTP status of the code."""

    def __init__(self, code: int, details: str = "", *, message: str = "", status: int = 0, kind: str = "") -> None:
        usual, title, spare = CODES.get(code, (400, "Something went wrong", "Unknown error."))
        super().__init__(title)
        self.code, self.title = code, title
        self.status = status or usual
        self.details = details or spare
        self.message = message or f"(#{code}) {title}"
        self.kind = kind or "OAuthException"

    def response(self) -> HttpResponse:
        """The HTTP answer."""
        trace = fbtrace_id()
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.code not in (10, 190):
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        answer = JsonResponse({"error": error | {"fbtrace_id": trace}}, status=self.status)
        answer["x-fb-trace-id"] = trace
        if self.status == 401:
            answer["WWW-Authenticate"] = f'OAuth "Facebook Platform" "invalid_token" "{self.message}"'
        return answer


def in_status(code: int, details: str = "") -> dict[str, Any]:
    """The error as an element of `statuses[].errors`."""
    _, title, spare = CODES.get(code, (400, "Something went wrong", "Unknown error."))
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or spare},
        "href": DOCS,
    }


def fbtrace_id() -> str:
    """A trace id of Meta's look."""
    return "A" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(22))
