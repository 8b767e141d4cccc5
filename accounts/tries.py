"""How often a password may be tried, and what else anybody may ask for only so often.

1. An account answers ten wrong passwords within 15 minutes, whoever asks and from wherever; what is refused is neither
   compared nor hashed. Addresses that nobody has signed up with are counted alike, so that the limit tells nothing.
2. A stranger cannot shut out the owner: browsers that signed in before (accounts.devices) are counted apart from
   strangers, and a new password by mail ends the wait and makes the browser one of the account's own.
3. One network gets thirty wrong passwords, so that one password is not tried on every account. Right ones don't count.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from accounts import devices
from accounts.models import User
from accounts.models.limits import Limit, Place, Tally
from omnistra.core.addresses import client_address, network

PASSWORDS = Limit("password", 10, 15 * 60)
FROM_NETWORK = Limit("network", 30, 15 * 60)
SIGN_UPS = Limit("sign_up", 10, 60 * 60)  # from one network
RESETS = Limit("reset", 20, 60 * 60)  # links asked for from one network
NEW_ADDRESSES = Limit("new_address", 5, 60 * 60)  # asked for by one person
MAILS = Limit("mail", 5, 60 * 60)  # of one kind to one address


@dataclass(frozen=True, slots=True)
class Try:
    """A try at a password that will be answered: it is counted until it turns out right."""

    places: tuple[Place, ...]
    at: datetime

    def was_right(self) -> None:
        """Don't count it."""
        Tally.give_back(self.places, self.at)

    def was_wrong(self, user_id: UUID | None) -> None:
        """Count it; the audit log of the person's workspaces is told within a minute."""
        Tally.failed(self.places[-1], user_id)


def _places(request: HttpRequest, email: str, user: User | None) -> tuple[Place, ...]:
    device = devices.known(request, user)
    if device:
        return (PASSWORDS.place("device", device, email),)
    return (*_of_network(FROM_NETWORK, request), PASSWORDS.place("strangers", email))


def _of_network(limit: Limit, request: HttpRequest) -> tuple[Place, ...]:
    address = client_address(request)
    return (limit.place(network(address)),) if address else ()


def _claim(places: tuple[Place, ...], now: datetime) -> bool:
    if Tally.is_full(places, now):
        return False
    for number, place in enumerate(places):
        if not Tally.claim(place, now):
            Tally.give_back(places[:number], now)
            return False
    return True


def begin(request: HttpRequest, email: str, user: User | None) -> Try | None:
    """Ask whether a password may be tried; None when it may not now. `user`: whose it is, None if nobody's."""
    now = timezone.now()
    places = _places(request, email, user)
    return Try(places, now) if _claim(places, now) else None


def end_wait(request: HttpRequest, user: User) -> None:
    """The person has proven to own the mailbox: neither strangers' tries count any more nor this browser's own."""
    Tally.clear(PASSWORDS.place("strangers", user.email))
    Tally.clear(_places(request, user.email, user)[-1])


def may(limit: Limit, request: HttpRequest, whose: str = "") -> bool:
    """Count something that is asked for, by `whose` it is or else by the visitor's network; False: not now."""
    return _claim((limit.place(whose),) if whose else _of_network(limit, request), timezone.now())


def may_mail(kind: str, email: str) -> bool:
    """Count a mail that anybody can cause to be sent to an address; False: the ones before have to do."""
    return _claim((MAILS.place(kind, email.lower()),), timezone.now())
