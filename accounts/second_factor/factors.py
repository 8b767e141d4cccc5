"""A person's second factors: list, add, rename, remove, and trying a code. Each change is recorded and mailed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.audit import record_of_person
from accounts.models import AuthenticatorApp, RecoveryCode, RecoveryCodes, User
from accounts.models.second_factor import CodeDevice, Outcome
from accounts.second_factor import mails

KINDS: dict[str, type[Device]] = {"app": AuthenticatorApp, "passkey": WebAuthnCredential}
MOST = 10  # factors a person: each app is one more chance for who guesses
MAIL_AFTER = 5  # wrong codes in a row


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor as pages show it."""

    kind: str
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


def of(user: User) -> list[Factor]:
    """The person's second factors, the oldest first. Two queries."""
    found = [
        Factor(kind, str(device.pk), device.name, device.created_at, device.last_used_at)
        for kind, model in KINDS.items()
        for device in model.objects.filter(user=user, confirmed=True)
    ]
    return sorted(found, key=lambda each: each.created_at)


def get(user: User, kind: str, identity: str) -> Device | None:
    """One factor of the person; None for what is not there or somebody else's."""
    try:
        return KINDS[kind].objects.filter(user=user, pk=identity).first()
    except (KeyError, ValueError, ValidationError):
        return None


def kind_of(device: Device) -> str:
    """The kind as addresses and audit entries name it."""
    return next((kind for kind, model in KINDS.items() if isinstance(device, model)), "recovery_code")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a typed code: the device that took it, or why none did and how long to wait (seconds)."""

    device: CodeDevice | None
    outcome: Outcome
    wait: int = 0


def _lock(user: User) -> None:
    """Until the transaction ends nobody else tries a code of this person or changes their factors."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def use_code(user: User, typed: str) -> Verdict:
    """Try what a person typed, as a code of their apps or as a recovery code. The rows stay locked until the transaction
    ends, so a code that comes twice at the same time is let through once."""
    with transaction.atomic():
        _lock(user)
        outcomes: list[tuple[CodeDevice, Outcome]] = []
        for model in (AuthenticatorApp, RecoveryCodes):
            code = model.normalise(typed)
            if code is None:
                continue
            for device in model.objects.filter(user=user, confirmed=True).select_for_update():
                outcome = device.take(code)
                if outcome is Outcome.RIGHT:
                    _taken(user, device)
                    return Verdict(device, outcome)
                outcomes.append((device, outcome))
        return _refused(user, outcomes)


def _taken(user: User, device: CodeDevice) -> None:
    if isinstance(device, RecoveryCodes):
        mails.code_used(user, device.left())
        record_of_person("recovery_code.used", user.pk)


def _refused(user: User, outcomes: list[tuple[CodeDevice, Outcome]]) -> Verdict:
    looked_at = [device for device, outcome in outcomes if outcome is not Outcome.WAIT]
    if looked_at:
        record_of_person("second_factor.refused", user.pk, sorted({kind_of(device) for device in looked_at}))
        if any(device.throttling_failure_count == MAIL_AFTER for device in looked_at):
            mails.guessed(user, MAIL_AFTER)
    elif outcomes:
        return Verdict(None, Outcome.WAIT, min(device.seconds_to_wait() for device, _ in outcomes))
    used = any(outcome is Outcome.USED for _, outcome in outcomes)
    return Verdict(None, Outcome.USED if used else Outcome.WRONG)


class TooMany(Exception):
    """A person has as many factors as there may be; the text says what to do."""


def add(user: User, make: Callable[[], Device]) -> list[str]:
    """Keep the new factor that `make` saves. With the first one come recovery codes; gives them, to be shown this once.

    Raises TooMany, and what `make` raises. In a transaction."""
    _lock(user)
    if len(of(user)) >= MOST:
        raise TooMany(_("You have %d second factors: remove one first.") % MOST)
    device = make()
    record_of_person("second_factor.added", user.pk, [kind_of(device)])
    mails.added(user, device.name)
    if RecoveryCode.objects.filter(device__user=user, used_at=None).exists():
        return []
    return RecoveryCodes.renew(user)


def rename(user: User, device: Device, name: str) -> None:
    """Call a factor something else."""
    _lock(user)
    old, device.name = device.name, name
    device.save(update_fields=["name"])
    record_of_person("second_factor.renamed", user.pk, [kind_of(device)])
    mails.renamed(user, old, name)


def remove(user: User, device: Device) -> Device | None:
    """Take a factor away; with the last one go the recovery codes. Gives one of those that are left, or None."""
    _lock(user)
    record_of_person("second_factor.removed", user.pk, [kind_of(device)])
    mails.removed(user, device.name)
    device.delete()
    left = next((each for model in KINDS.values() for each in model.objects.filter(user=user, confirmed=True)), None)
    if left is None:
        RecoveryCodes.objects.filter(user=user).delete()
    return left


def remove_all(user: User) -> int:
    """For an operator, when a person has lost everything: no factor and no code is left, and every session that was opened
    with one ends at its next request. Gives how many factors there were. Who calls it records who did it and why."""
    with transaction.atomic():
        _lock(user)
        number = sum(model.objects.filter(user=user).delete()[1].get(model._meta.label, 0) for model in KINDS.values())
        RecoveryCodes.objects.filter(user=user).delete()
        if number:
            mails.all_removed(user)
    return number


def renew_codes(user: User) -> list[str]:
    """Ten new recovery codes, to be shown this once."""
    _lock(user)
    codes = RecoveryCodes.renew(user)
    record_of_person("recovery_codes.renewed", user.pk)
    mails.codes_renewed(user)
    return codes
