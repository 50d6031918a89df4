"""The sidecar as a process of its own, with what it says of itself and what it takes."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx
import yaml

from streamgauge_demo.parts.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_LISTENING: Final = re.compile(r'"address": ?"([^"]+)"')
_LOOK_SECONDS: Final = 0.1
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


class GaugeProcess:
    """`streamgauge run` with one stream, until the block is left.

    Args:
        settings: the configuration without `web`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="streamgauge-bench-"))
        path = self._folder / "streamgauge.yaml"
        path.write_text(yaml.safe_dump({"web": {"listen": "127.0.0.1:0"}, **settings}))
        (self._stream,) = settings["streams"]
        self._command = [sys.executable, "-m", "streamgauge", "run", "--config", str(path)]
        self._http = httpx.Client(timeout=30)

    def __enter__(self) -> Self:
        self._child = Child(self._command, self._folder)
        self.url = self.await_true(self._listening)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._child.terminate(grace_seconds=20)
        self._folder.joinpath("log").unlink()
        self._folder.joinpath("streamgauge.yaml").unlink()
        self._folder.rmdir()

    @property
    def cpu_seconds(self) -> float:
        """Of the processor, all threads, user and system."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS_PER_SECOND

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    def stream(self) -> dict[str, Any]:
        """What `/status` has of the stream; empty before its first snapshot."""
        answer = self._http.get(f"{self.url}/status").json()
        stream: dict[str, Any] = answer["streams"].get(self._stream, {})
        return stream

    def await_stream(
        self, holds: Callable[[dict[str, Any]], bool], seconds: float = 120.0
    ) -> dict[str, Any]:
        """The first snapshot of which this holds."""

        def found() -> dict[str, Any] | None:
            stream = self.stream()
            return stream if stream and holds(stream) else None

        return self.await_true(found, seconds)

    def await_true(self, what: Callable[[], T | None], seconds: float = 120.0) -> T:
        """The first true value.

        Raises:
            RuntimeError: there was none in time, or the gauge has ended; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not (value := what()):
            if not self._child.running or time.monotonic() > deadline:
                raise RuntimeError(f"not within {seconds} s: {what}\n{self._child.log_tail()}")
            time.sleep(_LOOK_SECONDS)
        return value

    def _listening(self) -> str | None:
        address = _LISTENING.search((self._folder / "log").read_text(encoding="utf-8"))
        return f"http://{address[1]}" if address else None
