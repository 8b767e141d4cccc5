"""People who sign in and what they accepted: User, Acceptance."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.passwords import normalised
from omnistra.core.ids import uuid7


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
    closing_at = models.DateTimeField(null=True, editable=False)  # then the account is erased (privacy.account_closure)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [
            # Two constraints instead of an index on lower(email): every look-up by address finds a plain index, so that
            # known and unknown addresses take the same time.
            models.UniqueConstraint(fields=["email"], name="accounts_user_email"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password if raw_password is None else normalised(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        return super().check_password(raw_password if raw_password is None else normalised(raw_password))

    def get_full_name(self) -> str:
        return self.name

    def set_closing(self, due: datetime | None) -> None:
        """When the account is to be erased; None: it is not."""
        self.closing_at = due
        self.save(update_fields=["closing_at"])

    def become_nobody(self) -> None:
        """What is left of an erased person: an id that the record of what they did points to, and nothing else."""
        self.email, self.name = f"{self.pk}@erased.invalid", "Erased person"
        self.set_unusable_password()
        self.is_active = self.is_staff = self.is_superuser = False
        self.last_login = self.declared_of_age_at = self.closing_at = None
        self.groups.clear()
        self.user_permissions.clear()
        self.save()


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
