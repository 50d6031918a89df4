"""How the exports of one signal went, counted where they happen."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from streamgauge.model import SinkHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOGGERS: Final = tuple(
    f"opentelemetry.exporter.otlp.proto.{module}"
    for module in ("grpc.exporter", "http.metric_exporter", "http.trace_exporter")
)
"""Where the exporters of the SDK say why they failed."""
_TEXT_MAX: Final = 300
"""Characters of an error that are kept."""

Result = TypeVar("Result")


class LastLine(logging.Filter):
    """The last thing the exporters logged in this thread; it lets every line pass.

    Their result is only success or failure; what went wrong goes to their log and nowhere else. One
    of their loggers has a filter that leaves out a line equal to the one before, of whatever
    signal, so this one has to stand before it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.local()

    def attach(self) -> None:
        """Begin to listen."""
        for name in LOGGERS:
            logging.getLogger(name).filters.insert(0, self)

    def detach(self) -> None:
        """Stop listening."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line for the thread that logs it."""
        if record.levelno >= logging.WARNING:
            self._thread.line = record.getMessage()
        return True

    def take(self) -> str | None:
        """The line, once."""
        line: str | None = getattr(self._thread, "line", None)
        self._thread.line = None
        return line


class Outcome:
    """Counts of one signal since the start of the process; safe for threads.

    `delivered` means that the collector answered without an error. The SDK ignores what OTLP calls
    partial success, so points that a collector accepts and then rejects are not seen here.
    """

    def __init__(self, name: str, last_line: LastLine) -> None:
        self._name = name
        self._last_line = last_line
        self._lock = threading.Lock()
        self._delivered = 0
        self._failed = 0
        self._drops: dict[str, int] = {}
        self._last_delivered_ms: int | None = None
        self._last_failed_ms: int | None = None
        self._last_error: str | None = None

    def watch(self, export: Callable[[], Result], *, success: Result) -> Result:
        """Run an export and count it as delivered if it returns `success`, else as failed."""
        self._last_line.take()
        try:
            result = export()
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}")
            raise
        if result is success:
            with self._lock:
                self._delivered += 1
                self._last_delivered_ms = _now_ms()
        else:
            self.fail(self._last_line.take())
        return result

    def fail(self, error: str | None) -> None:
        """Count a failure; without a text the last known one stays."""
        with self._lock:
            self._failed += 1
            self._last_failed_ms = _now_ms()
            text = error or self._last_error or "the exporter gave no reason"
            self._last_error = text[:_TEXT_MAX]

    def drop(self, reason: str, count: int) -> None:
        """Count what a limit left out."""
        if count:
            with self._lock:
                self._drops[reason] = self._drops.get(reason, 0) + count

    def drops(self) -> Mapping[str, int]:
        """What limits left out, by limit."""
        with self._lock:
            return dict(self._drops)

    def health(self) -> SinkHealth:
        """The counts of now."""
        with self._lock:
            return SinkHealth(
                name=self._name,
                delivered=self._delivered,
                failed=self._failed,
                dropped=sum(self._drops.values()),
                last_delivered_ms=self._last_delivered_ms,
                last_failed_ms=self._last_failed_ms,
                last_error=self._last_error,
            )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
