"""A program of the demo that runs in a folder of its own and must not end by itself."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from streamgauge_demo.parts.child import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class ProgramEndedError(RuntimeError):
    """A program ended although nobody asked it to; has the end of its output."""


class Program:
    """A Python program as a child process.

    Args:
        name: for messages and for its folder.
        folder: where its folder is made.
        arguments: of the Python interpreter.
        environment: further variables.
    """

    def __init__(
        self, name: str, folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.name: Final = name
        self._folder = folder / name
        self._folder.mkdir(exist_ok=True)
        self._child = Child([sys.executable, *arguments], self._folder, environment)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.running

    def must_run(self) -> None:
        """Do nothing as long as it runs.

        Raises:
            ProgramEndedError: it has ended.
        """
        if not self.running:
            raise ProgramEndedError(f"{self.name} ended; its output ends with:\n{self.output()}")

    def output(self) -> str:
        """Give the end of what it has written."""
        return self._child.log_tail()

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """Give the JSON lines among all that it has written."""
        text = (self._folder / "log").read_text(errors="replace")
        for line in text.splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                yield json.loads(line)

    def stop(self, grace_seconds: float) -> int:
        """Ask it to end (SIGTERM) and give its exit code; -9 if it did not end in time."""
        return self._child.terminate(grace_seconds)

    def kill(self) -> None:
        """End it at once; a second call does nothing."""
        self._child.kill()
