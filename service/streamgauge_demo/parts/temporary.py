"""A temporary folder that does not outlive us, however we end."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.interrupts import deferred

if TYPE_CHECKING:
    from collections.abc import Iterator

_GUARD: Final = 'read -r nothing; rm -rf -- "$1"'
"""Waits for the end of its standard input, which comes when we end, in whatever way."""


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that is removed when the block ends, or by a guard if we are killed."""
    with deferred():
        folder = Path(tempfile.mkdtemp(prefix="streamgauge-demo-"))
        guard = subprocess.Popen(  # noqa: S603 - a constant script, its argument is not code
            ["/bin/sh", "-c", _GUARD, "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield folder
    finally:
        with deferred():
            shutil.rmtree(folder, ignore_errors=True)
            guard.communicate()
