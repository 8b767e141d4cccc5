"""What one may ask of the audit log."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.audit import actions, log
from accounts.models import ApiKey, AuditEntry, Membership, Workspace

_SPAN = (MinValueValidator(date(2020, 1, 1)), MaxValueValidator(date(2199, 12, 31)))


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, validators=_SPAN, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class AuditFilters(forms.Form):
    """The filters of the page. In the workspace's scope: two queries for whom there is."""

    group = forms.ChoiceField(label=_("About"), required=False)
    actor = forms.CharField(label=_("By"), required=False, max_length=40, widget=forms.Select)
    since = _day(_("From"))
    until = _day(_("To"))
    target = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = [(name, group.label) for name, group in actions.GROUPS.items()]
        self.fields["group"].choices = [("", _("Everything")), *groups]
        self.fields["actor"].widget.choices = self._actors()

    @staticmethod
    def _actors() -> list[Any]:
        people = list(Membership.ever.order_by("user__name").values_list("pk", "user__name", "removed_at"))
        keys = list(ApiKey.objects.order_by("name").values_list("pk", "name"))
        offered: list[Any] = [("", _("Anybody")), (_("Members"), [(pk, name) for pk, name, gone in people if not gone])]
        if former := [(pk, name) for pk, name, gone in people if gone]:
            offered.append((_("Former members"), former))
        if keys:
            offered.append((_("API keys"), keys))
        kinds = [
            (AuditEntry.Actor.OPERATOR.value, _("Operators")),
            (AuditEntry.Actor.SYSTEM.value, _("Omnistra itself")),
        ]
        return [*offered, (_("Others"), kinds)]

    def clean_actor(self) -> str:
        """A kind or an id; also the id of somebody who is not offered."""
        chosen: str = self.cleaned_data["actor"]
        if chosen and chosen not in AuditEntry.Actor.values:
            try:
                UUID(chosen)
            except ValueError:
                raise forms.ValidationError(_("Choose somebody from the list.")) from None
        return chosen

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("This day is before the first one."))
        return values

    def filters(self) -> log.Filters:
        """What is asked for. The form is valid."""
        values = self.cleaned_data
        actor = values["actor"]
        is_kind = actor in AuditEntry.Actor.values
        return log.Filters(
            group=values["group"],
            actor=UUID(actor) if actor and not is_kind else None,
            actor_kind=actor if is_kind else "",
            target=values["target"],
            since=log.start_of(values["since"]) if values["since"] else None,
            until=log.end_of(values["until"]) if values["until"] else None,
        )


class KeepingForm(forms.Form):
    """How long the log is kept."""

    months = forms.IntegerField(
        label=_("Keep entries for"), min_value=Workspace.AUDIT_MONTHS[0], max_value=Workspace.AUDIT_MONTHS[1],
        help_text=_("From 6 months to 7 years. An intrusion is often found months later."),
    )  # fmt: skip
