from tests.channels_app.templates.graph import graph  # noqa: F401  (a fixture)
