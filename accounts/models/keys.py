"""Integrators' keys: ApiKey, IdempotentAnswer."""

import hashlib
import secrets
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.people import User
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class ApiKey(WorkspaceModel):
    """An integrator's key: shown once, stored as a hash, limited to scopes."""

    PREFIX = "omn_"

    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=8)  # the last characters, to tell keys apart
    key_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=60))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "created_at"], name="accounts_apikey_list")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def hash(secret: str) -> bytes:
        """What is stored of a key. The key has 256 random bits, so a plain hash cannot be reversed by guessing."""
        return hashlib.sha256(secret.encode()).digest()

    @classmethod
    def issue(
        cls, name: str, scopes: list[str], by: User | None, expires_at: datetime | None = None
    ) -> tuple["ApiKey", str]:
        """A new key and its secret, which exists nowhere else. Inside a workspace scope."""
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        key = cls.objects.create(
            name=name,
            scopes=scopes,
            created_by=by,
            expires_at=expires_at,
            key_hash=cls.hash(secret),
            hint=secret[-4:],
        )
        return key, secret

    @property
    def usable(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def revoke(self) -> None:
        """The key stops working at once."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])


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
