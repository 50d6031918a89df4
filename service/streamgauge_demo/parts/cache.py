"""What takes long to make is made once on a machine and kept in the cache folder. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def cache_folder() -> Path:
    """Give the cache folder of the XDG Base Directory specification; it may not exist yet."""
    configured = os.environ.get("XDG_CACHE_HOME")
    return (Path(configured) if configured else Path.home() / ".cache") / "streamgauge"


def make_once(name: str, make: Callable[[Path], Path]) -> Path:
    """Give the file or folder `name` of the cache folder, made first if it is not there.

    Parallel calls, also of other processes, wait for the first one. What is not complete never has
    that name.

    Args:
        name: changes with everything that the made thing depends on.
        make: makes it in an empty folder, which is removed afterwards, and says where it lies.

    Raises:
        Exception: whatever `make` raises; the cache is then as before.
    """
    path = cache_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(f"{name}.lock")):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent, prefix="making-") as making:
                make(Path(making)).rename(path)
    return path


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system gives it back if we die."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
