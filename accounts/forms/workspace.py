"""The form of a workspace's own settings."""

from django import forms


class WorkspaceForm(forms.Form):
    """What the workspace is called."""

    name = forms.CharField(label="Name", max_length=120, help_text="Members see it, and people whom you invite.")
