"""See that there is a Chromium for the browser tests: one that is there, else Playwright's, else Debian's.

Where none can be had the browser tests are skipped with a loud line; with CI=true that is a failure.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a usable Chromium, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    for root in (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"):
        for pattern in (
            "chromium-*/chrome-linux*/chrome",
            "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
        ):
            for found_path in sorted(root.glob(pattern), reverse=True):
                return str(found_path)
    return None


def _try(*command: str) -> bool:
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main() -> int:
    """Install one where none is there."""
    if find():
        return 0
    print("No Chromium: trying to install one for the browser tests.", flush=True)
    _try(sys.executable, "-m", "playwright", "install", "chromium")
    if not find() and shutil.which("apt-get") and os.geteuid() == 0:
        _try("apt-get", "update")
        _try("apt-get", "install", "-y", "--no-install-recommends", "chromium")
    if find():
        return 0
    print("!! No Chromium could be had: THE BROWSER TESTS ARE SKIPPED.", flush=True)
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
