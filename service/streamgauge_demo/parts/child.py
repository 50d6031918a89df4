"""A process of ours, with all it starts, that cannot outlive us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.interrupts import deferred

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_GUARD: Final = 'read -r nothing; kill -s KILL -- "-$1"; rm -rf -- "$2"'
"""Waits for the end of its standard input, which comes when we end, in whatever way."""

_LOG_TAIL_BYTES: Final = 4_000


class Child:
    """A started process in its own process group (POSIX), its output in `<folder>/log`.

    If our process ends without `kill()` or `terminate()`, also by SIGKILL, a guard kills the
    group and removes the folder. Ctrl-C in a terminal reaches us only, not the child.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log_path = folder / "log"
        with deferred():
            with self._log_path.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the command is the demo's own
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            self._guard = subprocess.Popen(  # noqa: S603 - a constant script, its arguments are not code
                ["/bin/sh", "-c", _GUARD, "sh", str(self._process.pid), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the process itself (not only what it started) is alive."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process, which is also that of its group."""
        return self._process.pid

    def log_tail(self) -> str:
        """Give the end of what the process and its predecessors in this folder have written."""
        with self._log_path.open("rb") as log:
            log.seek(max(0, self._log_path.stat().st_size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")

    def terminate(self, grace_seconds: float) -> int:
        """Ask the process to end, wait for it, then kill what is left of the group.

        Returns:
            The exit code; -9 if the process did not end in time.
        """
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """End the whole group at once (SIGKILL) and wait for it; a second call does nothing."""
        if self._guard.stdin is None or self._guard.stdin.closed:
            return
        # macOS answers EPERM where all of a group has ended and nobody has asked for its exit codes
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._guard.kill()
        self._guard.wait()
        self._guard.stdin.close()
