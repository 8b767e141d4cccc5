"""Templates: message forms that the platform approved, with which one may write outside of the reply window.

`contract` is what a provider of templates can do, `form` reads a template and fills it in, `drafts` checks a new one before
anybody is asked, `keeping` fetches, makes, changes and deletes them, `events` takes in what the platform tells.
"""
