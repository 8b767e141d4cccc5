"""Tests: the local environment in a temporary folder (tests/plugin.py names it before these settings are read)."""

import os

from omnistra.embedded import environment

os.environ.setdefault("SECRET_KEY", "test-secret-key-that-signs-nothing-of-value-0123456789")
os.environ["META_APP_SECRET"] = "omnistra-meta-test-secret"  # the secret of the vectors in providers/whatsapp.md 4.2
os.environ["META_VERIFY_TOKEN"] = "vt-3f9c1a-omnistra"
os.environ["INSTAGRAM_APP_SECRET"] = "omnistra-ig-test-secret"  # providers/instagram.md 4
environment.apply(os.environ)

from omnistra.settings.base import *  # noqa: E402
from omnistra.settings.base import DATA_DIR, INSTALLED_APPS, STORAGES  # noqa: E402

ENVIRONMENT = "test"
SANDBOX = True
SANDBOX_PACE = float(os.environ.get("SANDBOX_PACE", "1"))  # how slowly the sandbox reports statuses; 0: at once
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [*INSTALLED_APPS, "omnistra.embedded", "channels_app.sandbox"]
# Argon2id with the smallest cost: the algorithm is the real one, the waiting isn't.
PASSWORD_HASHERS = ["tests.hashing.QuickArgon2PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
SANDBOX_DB = DATA_DIR / "sandbox" / "world.db"
