"""Who changes how a person signs in, or takes their data along, has proven to be that person within five minutes."""

import functools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _


def is_fresh(request: Any) -> bool:
    """Whether the person signed in, or showed password or factor again, less than five minutes ago."""
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def fresh(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For views of a signed-in person: asks for password or factor where that is too long ago, then comes back.

    A form that was sent too late is not kept for later, because it may hold a code: its page is shown again.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        if request.method != "GET":
            messages.info(request, _("Nothing was changed yet. Confirm that it is you, then do it again."))
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")

    return guarded
