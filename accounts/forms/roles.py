"""The form of a workspace's own role."""

from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import CustomRole, Membership
from accounts.roles import GRANTABLE, GROUPS, Permission


class RoleForm(forms.Form):
    """A name, and what the role allows: one box a permission. What `giver` lacks is shown and cannot be ticked."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("Such as “Night shift” or “Bookkeeping”."))

    def __init__(self, *args: Any, giver: Membership, role: CustomRole | None = None, **kwargs: Any) -> None:
        if role is not None:
            kwargs["initial"] = {"name": role.name}
        super().__init__(*args, **kwargs)
        for permission in GRANTABLE:
            if permission == Permission.WORKSPACE_VIEW:  # every role opens the workspace
                continue
            self.fields[self._key(permission)] = forms.BooleanField(
                label=permission.label, required=False, disabled=not giver.may(permission),
                initial=role is not None and permission in role.allowed,
            )  # fmt: skip

    @staticmethod
    def _key(permission: Permission) -> str:
        return permission.replace(".", "_")

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not self.permissions:
            raise forms.ValidationError(_("Tick what the role allows."))
        return data

    @property
    def groups(self) -> list[tuple[str | Promise, list[BoundField]]]:
        """The boxes by subject."""
        return [
            (title, [self[self._key(each)] for each in group if self._key(each) in self.fields])
            for title, group in GROUPS
        ]

    @property
    def permissions(self) -> set[Permission]:
        """What the valid form allows."""
        return {each for each in GRANTABLE if self.cleaned_data.get(self._key(each))}
