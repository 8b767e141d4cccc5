"""Loaded before the settings (`-p tests.plugin`): names the temporary folder in which this run's servers live."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="omnistra-test-"))
_folder.chmod(0o711)
for name in [
    "DATABASE_URL", "DATABASE_OWNER_URL", "KEYS_DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "STORAGE_URL",
    "MASTER_KEY_FILE", "BASE_URL", "META_GRAPH_URL",
]:  # fmt: skip
    os.environ.pop(name, None)
os.environ["OMNISTRA_DATA"] = str(_folder)
_owner = os.getpid()


@atexit.register
def _remove() -> None:
    if os.getpid() == _owner:
        shutil.rmtree(_folder, ignore_errors=True)
