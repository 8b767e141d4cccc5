"""Who is signed in where: UserSession."""

from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models.people import User


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def open_of(self, user_id: Any) -> QuerySet["UserSession"]:
        """The person's open sessions, the one used last first."""
        return self.filter(user_id=user_id, expires_at__gt=timezone.now()).order_by("-seen_at", "id")


class UserSession(models.Model):
    """One browser's session, the row that `accounts.session_store` keeps it in; signed in when it has a `user`.

    `id` is a hash of the key in the browser's cookie: a copy of this table opens no session.
    """

    # What the person is shown of a session. The store carries it along when the key changes.
    ABOUT = ("browser", "system", "address", "signed_in_at", "seen_at")

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    session_data = models.TextField()
    expires_at = models.DateTimeField(db_index=True)
    browser = models.CharField(max_length=40, default="")
    system = models.CharField(max_length=40, default="")
    address = models.CharField(max_length=20, default="")  # omnistra.core.addresses.hint, never the whole one
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = UserSessionQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "sessions"

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def device(self) -> str:
        """Browser and system in words."""
        if self.browser and self.system:
            return _("%(browser)s on %(system)s") % {"browser": self.browser, "system": self.system}
        return self.browser or self.system or _("Unknown device")

    @property
    def is_phone(self) -> bool:
        """Whether it is one that one holds in one's hand."""
        return self.system.startswith(("iPhone", "iPad", "iOS", "Android"))
