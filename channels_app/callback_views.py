"""Where Meta calls: data deletion and deauthorisation, of the Meta app and of the Instagram app."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from accounts.access import public
from channels_app import platform_requests
from omnistra.core.jobs import wake


def _user(request: HttpRequest, app: str) -> str | None:
    if request.method != "POST":
        return None
    return platform_requests.signed_user(request.POST.get("signed_request", ""), platform_requests.secrets_of(app))


def _refused() -> HttpResponse:
    return JsonResponse({"error": "Post a signed_request of this app."}, status=400)


@csrf_exempt
@public
def data_deletion(request: HttpRequest, app: str) -> HttpResponse:
    """A person had Meta delete what this app holds of them: `{url, confirmation_code}` (policy clauses 4d and 4e)."""
    user_id = _user(request, app)
    if user_id is None:
        return _refused()
    asked = platform_requests.ask_deletion(app, user_id)
    wake("channels.carry_out_requests")
    address = settings.BASE_URL + reverse("data_request", args=[asked.code])
    return JsonResponse({"url": address, "confirmation_code": asked.code})


@csrf_exempt
@public
def deauthorize(request: HttpRequest, app: str) -> HttpResponse:
    """A person took this app's access back."""
    user_id = _user(request, app)
    if user_id is None:
        return _refused()
    platform_requests.ask_deauthorisation(app, user_id)
    wake("channels.carry_out_requests")
    return JsonResponse({})
