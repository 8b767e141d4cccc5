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
    200: (403, "Permissions error", "A permission is missing."),
    551: (400, "This person isn't available right now", "The person can not be reached."),
    190: (401, "Invalid OAuth access token", "The access token is not valid."),
    613: (400, "Calls to this api have exceeded the rate limit", "Too many calls."),
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
    131050: (400, "Marketing messages stopped", "The person stopped marketing messages of this business."),
    131062: (400, "Recipient not supported", "This type of message can not be sent to a business-scoped user ID."),
    132000: (400, "Template Param Count Mismatch", "The number of parameters is not that of the template."),
    132001: (404, "Template does not exist", "The template does not exist in that language."),
    132005: (400, "Template Hydrated Text Too Long", "The text is too long with its parameters filled in."),
    132007: (400, "Template Format Character Policy Violated", "A parameter breaks the format policy."),
    132012: (400, "Template Parameter Format Mismatch", "A parameter has not the format that the template wants."),
    132015: (400, "Template is Paused", "The template is paused due to low quality."),
    132016: (400, "Template is Disabled", "The template was paused too often and is disabled."),
    139100: (400, "Failed to block/unblock some users", "Some people could not be blocked."),
    133005: (400, "Two step verification PIN Mismatch", "The two-step verification PIN is not right."),
    133010: (400, "Phone number not registered", "The phone number is not registered on the platform."),
}
DOCS = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


class GraphError(Exception):
    """An answer of the Graph API that is an error. `status` overrides the HTTP status of the code; the `subcode` decides
    at Messenger and Instagram."""

    def __init__(
        self, code: int, details: str = "", *, message: str = "", status: int = 0, kind: str = "", subcode: int = 0
    ) -> None:
        usual, title, spare = CODES.get(code, (400, "Something went wrong", "Unknown error."))
        super().__init__(title)
        self.code, self.title = code, title
        self.status = status or usual
        self.details = details or spare
        self.message = message or f"(#{code}) {title}"
        self.kind = kind or "OAuthException"
        self.subcode = subcode

    def response(self) -> HttpResponse:
        """The HTTP answer."""
        trace = fbtrace_id()
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode:
            error["error_subcode"] = self.subcode
        elif self.code not in (10, 190):
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
