from tests.conversations.talks import agreed, api, platform, talk, template  # noqa: F401  (fixtures)
