"""The forms of members and invitations: role and channels, handing over, going."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.members import Place
from accounts.models import CustomRole, Membership, Workspace
from accounts.models.workspaces import RoleHolder
from accounts.roles import CUSTOM, PERMISSIONS, ROLE_WORDS, Permission, Role


def _option(name: Any, words: Any) -> SafeString:
    return format_html(
        '<span class="option"><span dir="auto">{}</span> <span class="help">{}</span></span>', name, words
    )


def _allows(role: CustomRole) -> str:
    others = len(role.allowed - {Permission.WORKSPACE_VIEW})
    return ngettext("Your own role: %d permission.", "Your own role: %d permissions.", others) % others


class PlaceForm(forms.Form):
    """A role and channels. Offered is what `giver` may give: the built-in roles and `roles`, on any of `channels`."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)
    limited = forms.BooleanField(
        label=_("Only some channels"), required=False,
        help_text=_("Sees and answers the conversations of these channels, and manages nothing of the workspace."),
    )  # fmt: skip
    channels = forms.MultipleChoiceField(label=_("Channels"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self, *args: Any, giver: Membership, roles: list[CustomRole], channels: dict[UUID, str],
        holder: RoleHolder | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if holder is not None:
            kwargs["initial"] = {
                "role": str(holder.custom_role_id or holder.role),
                "limited": holder.channel_ids is not None,
                "channels": [str(each) for each in holder.channel_ids or ()],
            }
        super().__init__(*args, **kwargs)
        self._roles = {str(role.pk): role for role in roles if giver.covers(role.allowed)}
        field: Any = self.fields["role"]
        field.choices = [
            *(
                (role.value, _option(capfirst(role.label), ROLE_WORDS[role]))
                for role in Role
                if giver.covers(PERMISSIONS[role])
            ),
            *((key, _option(role.name, _allows(role))) for key, role in self._roles.items()),
        ]
        if channels:
            some: Any = self.fields["channels"]
            some.choices = [(str(key), name) for key, name in channels.items()]
        else:
            del self.fields["limited"], self.fields["channels"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("limited") and data.get("role") == Role.OWNER:
            self.add_error("limited", _("Owners reach every channel."))
        elif data.get("limited") and not data.get("channels") and "channels" not in self.errors:
            self.add_error("channels", _("Choose at least one channel, or untick “Only some channels”."))
        return data

    @property
    def place(self) -> Place:
        """What the valid form says."""
        chosen = self.cleaned_data["role"]
        limited = self.cleaned_data.get("limited")
        channels = [UUID(each) for each in self.cleaned_data["channels"]] if limited else None
        if role := self._roles.get(chosen):
            return Place(CUSTOM, role, channels)
        return Place(chosen, None, channels)


class InvitationForm(PlaceForm):
    """Whom to invite, as what."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True})
    )
    field_order = ["email", "role", "limited", "channels"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Role.AGENT.value


class ConfirmForm(forms.Form):
    """A tick that says: yes, I mean it."""

    confirm = forms.BooleanField(error_messages={"required": _("Tick the box to confirm.")})

    def __init__(self, *args: Any, label: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirm"].label = label


class TransferForm(forms.Form):
    """Who becomes the owner, and the workspace's name typed as a sign that it is meant."""

    heir = forms.ChoiceField(label=_("New owner"))
    name = forms.CharField(
        max_length=120, error_messages={"required": _("Type the workspace’s name exactly.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, workspace: Workspace, others: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wanted = workspace.name
        heir: Any = self.fields["heir"]
        heir.choices = [("", _("Choose a member")), *((str(each.pk), each.user.name) for each in others)]
        self.fields["name"].label = _("Type “%s” to confirm") % workspace.name

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self._wanted.strip():
            raise forms.ValidationError(_("Type the workspace’s name exactly."))
        return name

    def clean_heir(self) -> UUID:
        return UUID(self.cleaned_data["heir"])
