"""Routes under /w/<slug>/privacy/."""

from django.urls import path

from privacy import closure_views, views

app_name = "privacy"
urlpatterns = [
    path("", views.home, name="home"),
    path("retention/", views.retention_page, name="retention"),
    path("retention/save/", views.retention_save, name="retention_save"),
    path("retention/purge/", views.purge_now, name="purge_now"),
    path("close/", closure_views.close_workspace, name="close_workspace"),
    path("keep/", closure_views.keep_workspace, name="keep_workspace"),
]
