"""The public page of a data request's state: no sign-in, nothing personal."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import public
from privacy import data_requests


@public
@require_safe
def state(request: HttpRequest, code: str) -> HttpResponse:
    """How far the request is that a code names."""
    found = data_requests.find(code)
    if found is None:
        raise Http404("There is no request with this code.")
    return render(request, "privacy/data_request.html", {"asked": found})
