"""People, workspaces and what they may do: User, Workspace, Membership, Acceptance, ApiKey, AuditEntry."""

import hashlib
import secrets
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import Role
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel, system_scope, workspace_scope


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in by e-mail."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator of the installation."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: name, e-mail, Argon2id password hash (policy clause 2a)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=254)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("operator", default=False)
    declared_of_age_at = models.DateTimeField("declared to be 16 or older", null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email")]

    def __str__(self) -> str:
        return str(self.id)

    def get_full_name(self) -> str:
        return self.name


class Workspace(models.Model):
    """One customer company's walled space."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.slug

    @classmethod
    def open(cls, name: str, slug: str, owner: User) -> "Workspace":
        """A new workspace with its keys and its owner."""
        workspace = cls(name=name, slug=slug)
        keyring.create_workspace_keys(workspace.pk)
        with transaction.atomic(), workspace_scope(workspace.pk):
            workspace.save(force_insert=True)
            Membership.objects.create(user=owner, role=Role.OWNER)
        return workspace


class Membership(WorkspaceModel):
    """A person's place in a workspace."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="accounts_membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = self.user.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    @classmethod
    def of_user(cls, user: User) -> list["Membership"]:
        """The person's memberships with their workspaces. Before any scope: which one applies is the question."""
        with transaction.atomic(), system_scope("accounts.memberships_of_user"):
            return list(cls.objects.filter(user=user).select_related("workspace", "user").order_by("workspace__name"))


class Acceptance(models.Model):
    """A person accepted a version of a document at sign-up (terms, privacy policy)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="acceptances")
    document = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    ip = models.GenericIPAddressField(null=True)
    accepted_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


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


class AuditEntry(WorkspaceModel):
    """Who did what to which row, when: ids and field names, never personal text."""

    class Actor(models.TextChoices):
        MEMBER = "member"
        API_KEY = "api_key"
        SYSTEM = "system"

    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10, choices=Actor.choices)
    actor_id = models.UUIDField(null=True)
    target_id = models.UUIDField(null=True)
    fields = ArrayField(models.CharField(max_length=60), default=list)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "-at"], name="accounts_audit_time")]

    def __str__(self) -> str:
        return self.action
