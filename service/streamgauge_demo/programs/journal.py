"""The log that each program keeps of what it did: the truth that the gauge is held against."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class Journal:
    """One JSON object a line, written out at once: `event`, `at_ms` and what belongs to the event.

    Args:
        path: the file to append to, `-` for standard output.
    """

    def __init__(self, path: str) -> None:
        self._file: IO[str] = sys.stdout if path == "-" else Path(path).open("a")  # noqa: SIM115

    def write(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        """Add a line; `at_ms` is now, in milliseconds since the epoch."""
        self._file.write(json.dumps({"event": event, "at_ms": now_ms(), **fields}) + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not sys.stdout:
            self._file.close()


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
