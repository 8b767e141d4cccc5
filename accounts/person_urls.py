"""Routes under /accounts/ beside allauth's: a person's workspaces and invitations."""

from django.urls import path

from accounts.views import joining, workspace

urlpatterns = [
    path("workspaces/", workspace.workspaces, name="workspaces"),
    path("workspaces/new/", workspace.new_workspace, name="new_workspace"),
    path("invitations/<str:token>/", joining.invitation, name="invitation"),
    path("invitations/<str:token>/join/", joining.join, name="join"),
]
