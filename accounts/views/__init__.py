"""The pages of people and workspaces, a room for each subject."""
