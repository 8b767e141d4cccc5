"""An unsafe production does not start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from omnistra.core.checks import secrets_are_set, surface_is_closed


@pytest.fixture
def production(settings, tmp_path):
    key = tmp_path / "master.key"
    key.write_text("x")
    key.chmod(0o600)
    settings.ENVIRONMENT = "production"
    settings.SANDBOX = settings.DEBUG = False
    settings.SECRET_KEY = "s" * 50
    settings.MASTER_KEY_FILE = str(key)
    settings.META_APP_SECRET = settings.META_VERIFY_TOKEN = "set"
    settings.CACHE_URL = settings.CELERY_BROKER_URL = "redis://cache"
    settings.ALLOWED_HOSTS = ["omnistra.example"]
    settings.BASE_URL = "https://omnistra.example"
    settings.META_GRAPH_URL = "https://graph.facebook.com"
    settings.INSTAGRAM_GRAPH_URL = "https://graph.instagram.com"
    settings.INSTAGRAM_APP_ID = settings.INSTAGRAM_APP_SECRET = "set"
    return settings


def found() -> set[str]:
    return {error.id for check in (secrets_are_set, surface_is_closed) for error in check(None)}


def test_a_safe_production_passes(production):
    assert found() == set()


@pytest.mark.clause("12a")
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("SECRET_KEY", "short", "omnistra.E010"),
        ("MASTER_KEY_FILE", "", "omnistra.E002"),
        ("MASTER_KEY_FILE", "/nowhere/master.key", "omnistra.E011"),
        ("META_APP_SECRET", "", "omnistra.E003"),
        ("META_VERIFY_TOKEN", "", "omnistra.E004"),
        ("CACHE_URL", "", "omnistra.E005"),
        ("CELERY_BROKER_URL", "", "omnistra.E006"),
        ("DEBUG", True, "omnistra.E020"),
        ("SANDBOX", True, "omnistra.E021"),
        ("ALLOWED_HOSTS", [], "omnistra.E022"),
        ("ALLOWED_HOSTS", ["*"], "omnistra.E022"),
        ("BASE_URL", "http://omnistra.example", "omnistra.E023"),
        ("META_GRAPH_URL", "http://127.0.0.1:9000", "omnistra.E024"),
        ("INSTAGRAM_GRAPH_URL", "http://127.0.0.1:9000", "omnistra.E026"),
        ("INSTAGRAM_APP_SECRET", "", "omnistra.E012"),  # case 9 of the Meta conformance cases
    ],
)
def test_each_unsafe_setting_is_refused(production, name, value, error):
    setattr(production, name, value)
    assert found() == {error}


def test_without_an_instagram_app_no_secret_of_one_is_asked_for(production):
    production.INSTAGRAM_APP_ID = production.INSTAGRAM_APP_SECRET = ""
    assert found() == set()


def test_without_a_secret_key_nothing_starts(production):
    production.SECRET_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        found()


def test_a_master_key_that_others_may_read_is_refused(production, tmp_path):
    (tmp_path / "master.key").chmod(0o644)
    assert found() == {"omnistra.E011"}
