"""Tells in the log when a collector stops taking what is exported, and when it takes it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import FilteringBoundLogger

    from streamgauge.model import SinkHealth


class ExportWatch:
    """Compares the health of each signal with what it was; each change is told once."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._before: dict[str, SinkHealth] = {}
        self._failing: set[str] = set()

    def look(self, signals: Iterable[SinkHealth]) -> None:
        """Take in the health of all signals."""
        for now in signals:
            before = self._before.get(now.name)
            failed = now.failed > (0 if before is None else before.failed)
            delivered = now.delivered > (0 if before is None else before.delivered)
            self._before[now.name] = now
            if failed and now.name not in self._failing:
                self._failing.add(now.name)
                write(self._log, Event.OTLP_FAILING, sink=now.name, reason=now.last_error)
            elif delivered and not failed and now.name in self._failing:
                self._failing.discard(now.name)
                write(self._log, Event.OTLP_RECOVERED, sink=now.name)
