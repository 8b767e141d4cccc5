"""`python -m tests.bench [name …]`: servers of its own, as durable as in production (fsync on), all on this machine.

Exit code 1 when a figure misses its limit.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

NAMES = ("webhooks", "ingest", "inbox", "audit", "purge", "meanwhile", "campaign", "rest")


def main(chosen: list[str]) -> int:
    """Run the chosen benchmarks (all of them by default) and print their figures."""
    if unknown := set(chosen) - set(NAMES):
        print(f"Unknown: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="omnistra-bench-"))
    folder.chmod(0o711)
    os.environ.update(OMNISTRA_DATA=str(folder / "data"), DJANGO_SETTINGS_MODULE="omnistra.settings.test")
    for name in (
        "DATABASE_URL", "DATABASE_OWNER_URL", "KEYS_DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "STORAGE_URL",
        "MASTER_KEY_FILE", "BASE_URL", "META_GRAPH_URL",
    ):  # fmt: skip
        os.environ.pop(name, None)
    (folder / "data").mkdir(mode=0o711)

    import django

    django.setup()
    from tests.bench import stage

    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start, fsync on\n")
    try:
        figures = stage.play(folder, [name for name in NAMES if not chosen or name in chosen])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    missed = [figure for figure in figures if not figure.holds]
    print(f"\n{len(figures) - len(missed)} of {len(figures)} limits hold" + (":" if missed else "."))
    for figure in missed:
        print(f"  missed: {figure.name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
