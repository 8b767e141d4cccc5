"""One machine, `make run`: private servers under OMNISTRA_DATA, secrets made on first start, the sandbox on.

What the environment names wins over these defaults.
"""

import os

from omnistra.embedded import environment

environment.apply(os.environ)

from omnistra.settings.base import *  # noqa: E402
from omnistra.settings.base import DATA_DIR, INSTALLED_APPS, STORAGES, env  # noqa: E402

ENVIRONMENT = "local"
SANDBOX = True
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
INSTALLED_APPS = [*INSTALLED_APPS, "omnistra.embedded", "channels_app.sandbox"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
SANDBOX_DB = DATA_DIR / "sandbox" / "world.db"
