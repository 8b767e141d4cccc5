"""Routes of one's own account under /accounts/data/: they follow no workspace."""

from django.urls import path

from privacy import account_views

urlpatterns = [
    path("", account_views.account_data, name="account_data"),
    path("export/", account_views.account_export_file, name="account_export"),
    path("close/", account_views.account_close, name="account_close"),
    path("keep/", account_views.account_keep, name="account_keep"),
]
