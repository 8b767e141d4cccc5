"""Routes of templates, under a channel."""

from django.urls import path

from channels_app.templates import views

urlpatterns = [
    path("", views.template_list, name="templates"),
    path("fetch/", views.fetch, name="fetch_templates"),
    path("new/", views.new, name="new_template"),
    path("<uuid:template_id>/", views.template, name="template"),
    path("<uuid:template_id>/edit/", views.edit, name="edit_template"),
    path("<uuid:template_id>/delete/", views.delete, name="delete_template"),
]
