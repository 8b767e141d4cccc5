"""The pages of a person's own sign-in, a room for each step."""
