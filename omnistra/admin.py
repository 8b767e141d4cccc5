"""The operators' admin: metadata only."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    default_site = "omnistra.admin_site.AdminSite"
