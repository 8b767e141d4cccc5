"""What is kept of a connection beside the channel itself: who gave it, how it is, what befell it, whose app it uses.

ChannelLogin, LoginAttempt, ChannelHealth, ChannelNotice, OwnApp.
"""

import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from omnistra.core.sealing import SealedJSONField, SealedTextField, installation_hash
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class App(models.TextChoices):
    """Which of Meta's apps a login went through: each has a secret of its own, and its own ids for people."""

    META = "meta", "Meta app"
    INSTAGRAM = "instagram", "Instagram app"


def new_key() -> str:
    """What stands for an app in the address of its webhooks: unguessable, and no secret."""
    return secrets.token_urlsafe(24)


def user_hash(app: str, user_id: str) -> bytes:
    """The keyed hash under which the platform's id of a person who connected something is looked up."""
    return installation_hash(f"platform user:{app}", user_id.encode())


class OwnApp(WorkspaceModel):
    """A Meta app that the workspace runs itself: its webhooks have an address of their own, on which this app's secret
    alone is accepted, and tell of this workspace's channels alone."""

    app = models.CharField(max_length=10, choices=App.choices)
    app_id = models.CharField(max_length=40)
    key = models.CharField(max_length=32, unique=True, default=new_key, editable=False)
    secret = SealedTextField()
    verify_token = SealedTextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "app"], name="channels_own_app_once")]

    def __str__(self) -> str:
        return str(self.pk)


class LoginAttempt(WorkspaceModel):
    """A login at the platform that a member began: what it found is sealed until they have chosen, an hour at most."""

    LIFE: ClassVar[timedelta] = timedelta(hours=1)

    member = WorkspaceForeignKey(Membership, related_name="+")
    flow = models.CharField(max_length=20)
    found: Any = SealedJSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        indexes = [models.Index(fields=["workspace", "created_at"], name="channels_loginattempt_age")]

    def __str__(self) -> str:
        return str(self.pk)


class ChannelLogin(WorkspaceModel):
    """Whose login at the platform a channel rests on: when that person takes it back there, the channel ends."""

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey("channels_app.Channel", related_name="+")
    app = models.CharField(max_length=10, choices=App.choices)
    user_id = SealedTextField()  # as the platform names them to this app alone
    user_hash = models.BinaryField(max_length=16, db_index=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "channel"], name="channels_channellogin_once")]

    def __str__(self) -> str:
        return str(self.pk)


class ChannelHealth(WorkspaceModel):
    """How a channel was when it was looked at last, and when the platform was heard of it last."""

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey("channels_app.Channel", related_name="+")
    checked_at = models.DateTimeField(null=True)
    subscription_at = models.DateTimeField(null=True)  # when its webhooks were looked at last
    token_expires_at = models.DateTimeField(null=True)  # None: it has no end that is known
    quality = models.CharField(max_length=20, blank=True)  # GREEN, YELLOW, RED
    limit = models.CharField(max_length=20, blank=True)  # TIER_2K or a number: people a day to whom one may write first
    missing_fields = models.JSONField(default=list)  # webhook fields that could not be subscribed to
    messages_at = models.DateTimeField(null=True)  # the last webhook with a message of a person, or with its standby
    webhook_at = models.DateTimeField(null=True)  # the last webhook of any kind

    class Meta(WorkspaceModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "channel"], name="channels_channelhealth_once")]

    def __str__(self) -> str:
        return str(self.pk)

    def limit_words(self) -> str:
        """The limit as people read it."""
        word = self.limit.removeprefix("TIER_")
        number = int(word.removesuffix("K")) * 1000 if word.removesuffix("K").isdigit() and word.endswith("K") else word
        if str(number).isdigit():
            return _("%(number)s people a day") % {"number": f"{int(number):,}"}
        return _("as many people as you like") if word == "UNLIMITED" else _("not set")


class ChannelNotice(WorkspaceModel):
    """Something about a channel that its people have to know: open until it is over, told by mail once.

    `kind` has its words in channels_app.notices; `detail` is what the platform said.
    """

    limited_by: ClassVar[str] = "channel_id"

    channel = WorkspaceForeignKey("channels_app.Channel", related_name="+")
    kind = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)  # code words, numbers and times
    detail = SealedTextField(null=True)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)  # when it ends by itself
    ended_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "channel", "kind"], condition=Q(ended_at__isnull=True),
                name="channels_channelnotice_open",
            )
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["since"], condition=Q(told_at__isnull=True, ended_at__isnull=True),
                name="channels_channelnotice_untold",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
