"""Integrators' keys: ApiKey, IdempotentAnswer."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.people import User
from accounts.roles import WITHIN_CHANNELS
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class StillRotating(Exception):
    """The secret before this one still works: a second rotation would cut it off without a word."""


class ApiKey(WorkspaceModel):
    """An integrator's key: shown once, stored as a hash, limited to scopes and, where asked, to channels."""

    PREFIX: ClassVar[str] = "omn_"
    OVERLAP: ClassVar[timedelta] = timedelta(hours=24)  # how long the old secret works beside a new one
    NOTICE: ClassVar[timedelta] = timedelta(days=7)  # how long before its end a key is announced
    ADDRESSES: ClassVar[int] = 100  # how many addresses a key remembers

    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=8)  # the last characters, to tell keys apart
    key_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=60))
    channel_ids = ArrayField(models.UUIDField(), null=True)  # the channels that the key reaches; null: all
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    issued_at = models.DateTimeField(default=timezone.now, editable=False)  # of the secret in force
    expires_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, editable=False)  # when its coming end was mailed
    last_used_at = models.DateTimeField(null=True, editable=False)
    addresses = ArrayField(models.BinaryField(max_length=16), default=list, editable=False)  # keyed hashes
    revoked_at = models.DateTimeField(null=True, editable=False)
    # After a rotation: the secret before, and until when it works.
    old_hash = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    old_hint = models.CharField(max_length=8, blank=True, editable=False)
    old_ends_at = models.DateTimeField(null=True, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(old_hash__isnull=True, old_ends_at__isnull=True)
                | Q(old_hash__isnull=False, old_ends_at__isnull=False),
                name="accounts_apikey_old_secret",
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "created_at"], name="accounts_apikey_list"),
            models.Index(
                fields=["expires_at"],
                condition=Q(revoked_at__isnull=True, announced_at__isnull=True, expires_at__isnull=False),
                name="accounts_apikey_ending",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @staticmethod
    def hash(secret: str) -> bytes:
        """What is stored of a key. The key has 256 random bits, so a plain hash cannot be reversed by guessing, and
        looking it up by an index tells nothing by its time: who knows a hash's first bytes is no nearer to a key."""
        return hashlib.sha256(secret.encode("utf-8", "replace")).digest()

    @classmethod
    def issue(
        cls, name: str, scopes: list[str], by: User | None, expires_at: datetime | None = None,
        channel_ids: Sequence[UUID] | None = None,
    ) -> tuple["ApiKey", str]:  # fmt: skip
        """A new key and its secret, which exists nowhere else. Inside a workspace scope."""
        secret = cls._secret()
        key = cls.objects.create(
            name=name, scopes=scopes, created_by=by, expires_at=expires_at, key_hash=cls.hash(secret), hint=secret[-4:],
            channel_ids=None if channel_ids is None else list(channel_ids),
        )  # fmt: skip
        return key, secret

    @classmethod
    def _secret(cls) -> str:
        return cls.PREFIX + secrets.token_urlsafe(32)

    @classmethod
    def of_secret(cls, secret: str) -> "ApiKey | None":
        """The key that a secret opens now, if any. In a system scope: which workspace's it is, is the question."""
        hashed = cls.hash(secret)
        key: ApiKey | None = (
            cls.objects.select_related("workspace").filter(Q(key_hash=hashed) | Q(old_hash=hashed)).first()
        )
        if key is None or not key.usable:
            return None
        return key if bytes(key.key_hash) == hashed or key.is_rotating else None

    @property
    def usable(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def is_rotating(self) -> bool:
        """Whether the secret before this one works too."""
        return self.usable and self.old_ends_at is not None and self.old_ends_at > timezone.now()

    @property
    def is_ending(self) -> bool:
        """Whether it works, but not for long."""
        return self.usable and self.expires_at is not None and self.expires_at <= timezone.now() + self.NOTICE

    @property
    def state(self) -> str:
        """`active`, `ending`, `rotating`, `expired` or `revoked`."""
        if not self.usable:
            return "revoked" if self.revoked_at else "expired"
        return "rotating" if self.is_rotating else "ending" if self.is_ending else "active"

    def may(self, scope: str) -> bool:
        """Whether the key has a scope. One that is limited to channels has none that reaches beyond them."""
        return scope in self.scopes and (self.channel_ids is None or scope in WITHIN_CHANNELS)

    def rotate(self) -> str:
        """A new secret for the same key, for as long as the one before was made for; that one works for OVERLAP longer,
        but not beyond its own end. Raises StillRotating."""
        if self.is_rotating:
            raise StillRotating
        now, secret = timezone.now(), self._secret()
        self.old_hash, self.old_hint = self.key_hash, self.hint
        self.old_ends_at = now + self.OVERLAP
        if self.expires_at is not None:
            self.old_ends_at = min(self.old_ends_at, self.expires_at)
            self.expires_at = now + (self.expires_at - self.issued_at)
        self.key_hash, self.hint, self.issued_at, self.announced_at = self.hash(secret), secret[-4:], now, None
        self.save(
            update_fields=[
                "key_hash", "hint", "issued_at", "expires_at", "announced_at", "old_hash", "old_hint", "old_ends_at",
            ]
        )  # fmt: skip
        return secret

    def end_old_secret(self) -> None:
        """From now on only the newest secret opens."""
        self.old_hash, self.old_hint, self.old_ends_at = None, "", None
        self.save(update_fields=["old_hash", "old_hint", "old_ends_at"])

    def revoke(self) -> None:
        """The key stops working at once, with each of its secrets."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])

    def used_from(self, address: bytes) -> bool:
        """Note a use and whence (a keyed hash); tells whether that address is new. An address that ADDRESSES others
        have followed counts as new again."""
        now = timezone.now()
        is_new = address not in map(bytes, self.addresses)
        if is_new:  # once more under a lock, so that two requests at once tell it once
            self.refresh_from_db(fields=["addresses"], from_queryset=type(self).objects.select_for_update())
            is_new = address not in map(bytes, self.addresses)
        if is_new:
            self.addresses = [*self.addresses, address][-self.ADDRESSES :]
        if is_new or self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            self.last_used_at = now
            self.save(update_fields=["last_used_at", "addresses"])
        return is_new


class IdempotentAnswer(WorkspaceModel):
    """The answer to a POST that carried an Idempotency-Key, so that a repeat has no second effect. Lives a day."""

    api_key = WorkspaceForeignKey(ApiKey, related_name="+")
    key_hash = models.BinaryField(max_length=32)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)  # null while the first request is still running
    location = models.UUIDField(null=True)  # the object that was made; its representation is built anew
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "api_key", "key_hash"], name="accounts_idempotent_once")
        ]
        indexes = [models.Index(fields=["workspace", "created_at"], name="accounts_idempotent_age")]

    def __str__(self) -> str:
        return str(self.pk)
