"""What a person shows at sign-in beside the password: AuthenticatorApp, RecoveryCodes and their RecoveryCode rows.

1. They are devices of django-otp, so its middleware and `user.is_verified()` hold for them. Passkeys are devices too; their
   model is django_otp_webauthn's.
2. An app's secret is sealed under the person's own key; recovery codes are kept as keyed hashes.
3. A code works once. `take` is called with the device's row locked, so of two that come together one is let through.
"""

import math
import os
import re
import secrets
from base64 import b32encode
from enum import Enum
from typing import ClassVar
from urllib.parse import quote, urlencode

from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from accounts.models.people import User
from omnistra.core.ids import uuid7
from omnistra.core.sealing import SealedBinaryField, installation_hash


class Outcome(Enum):
    """What became of a code."""

    RIGHT = "right"
    WRONG = "wrong"
    USED = "used"  # it was right once
    WAIT = "wait"  # not looked at: too many wrong ones came before


class CodeDevice(TimestampMixin, ThrottlingMixin, Device):
    """Base of the devices whose codes are typed. After n wrong codes it waits 2^(n-1) seconds before it looks at another.

    The wait stops growing at 34 minutes: somebody who knows a password must not be able to shut its owner out for ever,
    and 42 guesses a day find one of 10^6 codes in no useful time.
    """

    MOST_FAILURES: ClassVar[int] = 12

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    throttling_failure_count: int  # ThrottlingMixin's

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.id)

    @property
    def persistent_id(self) -> str:
        """The device's name in the session. django-otp reads the part behind the slash with int()."""
        return f"{self.model_label()}/{self.id.int}"

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        super().throttle_increment(commit=False)
        self.throttling_failure_count = min(self.throttling_failure_count, self.MOST_FAILURES)
        if commit:
            self.save(update_fields=["throttling_failure_count", "throttling_failure_timestamp"])

    def seconds_to_wait(self) -> int:
        """How long until the next code is looked at; 0: now."""
        allowed, why = self.verify_is_allowed()
        return 0 if allowed else max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds()))

    def take(self, code: str) -> Outcome:
        """Try a code, in the form that `normalise` of the class gives. The row is locked by the caller."""
        if self.seconds_to_wait():
            return Outcome.WAIT
        outcome = self._match(code)
        if outcome is Outcome.RIGHT:
            self.throttle_reset(commit=False)
            self.set_last_used_timestamp(commit=False)
            self.save()
        else:
            self.throttle_increment()
        return outcome

    def verify_token(self, token: str) -> bool:
        """django-otp's own question."""
        code = self.normalise(token)
        return code is not None and self.take(code) is Outcome.RIGHT

    @classmethod
    def normalise(cls, typed: str) -> str | None:
        """The code in what a person typed, or None where it is none of this kind."""
        raise NotImplementedError

    def _match(self, code: str) -> Outcome:
        raise NotImplementedError


class AuthenticatorApp(CodeDevice):
    """An app that shows six digits every 30 seconds (TOTP, RFC 6238): SHA-1, as every app understands."""

    ISSUER: ClassVar[str] = "Omnistra"
    STEP, DIGITS, TOLERANCE = 30, 6, 1  # seconds; digits; steps by which a clock may be off, either way
    sealed_by_person: ClassVar[str] = "user_id"

    secret = SealedBinaryField()
    last_step = models.BigIntegerField(default=-1)  # the time step of the last code that was let through

    @classmethod
    def new_secret(cls) -> bytes:
        """160 random bits (RFC 4226 section 4)."""
        return os.urandom(20)

    @classmethod
    def normalise(cls, typed: str) -> str | None:
        code = re.sub(r"[\s-]", "", typed)
        return code if re.fullmatch(r"[0-9]{6}", code) else None

    def _match(self, code: str) -> Outcome:
        clock = TOTP(self.secret, self.STEP, digits=self.DIGITS)
        clock.time = timezone.now().timestamp()
        if clock.verify(int(code), self.TOLERANCE, self.last_step + 1):
            self.last_step = clock.t()
            return Outcome.RIGHT
        return Outcome.USED if clock.verify(int(code), self.TOLERANCE) else Outcome.WRONG

    def shows(self, code: str) -> bool:
        """Whether the app that is being added shows this code, and so took over the secret. The code is spent by it."""
        return self._match(code) is Outcome.RIGHT

    def address(self) -> str:
        """What the QR code says (otpauth://), by the key URI format that apps read."""
        label = quote(f"{self.ISSUER}:{self.user.email}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.secret_letters(), 'issuer': self.ISSUER})}"

    def secret_letters(self) -> str:
        """The secret as people type it into an app."""
        return b32encode(self.secret).decode()


class RecoveryCodes(CodeDevice):
    """A person's recovery codes: for the day when no other factor is at hand. No second factor by themselves."""

    COUNT: ClassVar[int] = 10
    FEW: ClassVar[int] = 3
    _LETTERS: ClassVar[str] = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing looks like something else
    _LENGTH: ClassVar[int] = 12  # 60 random bits

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], name="accounts_recovery_codes_once")]

    @classmethod
    def renew(cls, user: User) -> list[str]:
        """Ten new codes, which exist nowhere else; the ones before stop working."""
        device, _ = cls.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        codes = ["".join(secrets.choice(cls._LETTERS) for _ in range(cls._LENGTH)) for _ in range(cls.COUNT)]
        RecoveryCode.objects.filter(device=device).delete()
        RecoveryCode.objects.bulk_create([RecoveryCode(device=device, code_hash=device.hash(code)) for code in codes])
        device.throttle_reset()
        return [cls.readable(code) for code in codes]

    @staticmethod
    def readable(code: str) -> str:
        """In groups of four."""
        return "-".join(code[at : at + 4] for at in range(0, len(code), 4))

    @classmethod
    def normalise(cls, typed: str) -> str | None:
        code = re.sub(r"[\s-]", "", typed).lower().translate(str.maketrans("oil", "011"))
        return code if len(code) == cls._LENGTH and set(code) <= set(cls._LETTERS) else None

    def hash(self, code: str) -> bytes:
        """What is kept of a code: keyed by the installation, bound to the person."""
        return installation_hash("recovery_code", self.user_id.bytes + code.encode())

    def _match(self, code: str) -> Outcome:
        rows = RecoveryCode.objects.filter(device=self, code_hash=self.hash(code))
        if rows.filter(used_at=None).update(used_at=timezone.now()):
            return Outcome.RIGHT
        return Outcome.USED if rows.exists() else Outcome.WRONG

    def left(self) -> int:
        """How many codes still work."""
        return self.codes.filter(used_at=None).count()


class RecoveryCode(models.Model):
    """One recovery code, as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    device = models.ForeignKey(RecoveryCodes, models.CASCADE, related_name="codes")
    code_hash = models.BinaryField(max_length=16)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "code_hash"], name="accounts_recovery_code_once")]

    def __str__(self) -> str:
        return str(self.id)
