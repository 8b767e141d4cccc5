"""Routes under /w/<slug>/privacy/."""

from django.urls import path

from privacy import views

app_name = "privacy"
urlpatterns = [
    path("", views.home, name="home"),
    path("retention/", views.retention_page, name="retention"),
    path("retention/save/", views.retention_save, name="retention_save"),
    path("retention/purge/", views.purge_now, name="purge_now"),
]
