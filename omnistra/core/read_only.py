"""The base of the operators' pages: rows are shown, never added, changed or deleted, and no sealed field is opened."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from omnistra.core.sealing import SealedField


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # the class takes no argument at run time
    """Shows `list_display` in lists and every field that is neither sealed nor binary on its own page."""

    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            field.name
            for field in self.model._meta.concrete_fields
            if not isinstance(field, SealedField | models.BinaryField) and field.name != "password"
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
