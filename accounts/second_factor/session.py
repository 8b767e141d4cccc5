"""What a session knows of the second factor.

django-otp forgets a removed device silently; the mark kept here lets the middleware end such a session instead of going on
with it as one that never needed a factor.
"""

import django_otp
from django.http import HttpRequest
from django_otp.models import Device

_MARK = "second_factor"


def remember(request: HttpRequest) -> None:
    """This session was opened with a second factor."""
    request.session[_MARK] = True


def verify(request: HttpRequest, device: Device) -> None:
    """The person just showed `device`: the session counts as verified from now on, under a new id."""
    django_otp.login(request, device)
    remember(request)
    request.session.cycle_key()


def forget(request: HttpRequest) -> None:
    """The person has no second factor any more."""
    request.session.pop(_MARK, None)
    request.session.pop(django_otp.DEVICE_ID_SESSION_KEY, None)


def had_factor(request: HttpRequest) -> bool:
    """Whether a factor was shown in this session, be it that the factor is gone."""
    return bool(request.session.get(_MARK))
