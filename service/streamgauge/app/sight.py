"""Tells the gauge and the log when something goes out of sight, and when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from streamgauge.core.gauge import StreamGauge

BACK: Final = {
    Event.KAFKA_UNREACHABLE: Event.KAFKA_RECOVERED,
    Event.TAIL_STALLED: Event.KAFKA_RECOVERED,
    Event.TOPIC_ABSENT: Event.TOPIC_SEEN,
    Event.TOPIC_FORBIDDEN: Event.TOPIC_SEEN,
    Event.GROUP_FORBIDDEN: Event.GROUP_SEEN,
    Event.GROUP_UNANSWERED: Event.GROUP_SEEN,
}
"""What is told when a loss that was told by one event is over."""


class Sight:
    """What one stream's shells see. A loss is told once, and again only when its reason changes."""

    def __init__(
        self,
        gauge: StreamGauge,
        log: FilteringBoundLogger,
        now_ms: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._gauge = gauge
        self._log = log
        self._now_ms = now_ms
        self._changed = changed
        self._told: dict[str, tuple[Event, str]] = {}

    def lost(self, what: str, event: Event, reason: str) -> None:
        """`what` cannot be vouched for, for this reason."""
        self._gauge.blinded(what, reason, self._now_ms())
        if self._told.get(what) != (event, reason):
            self._told[what] = (event, reason)
            write(self._log, event, what=what, reason=reason)
            self._changed()

    def regained(self, what: str) -> None:
        """`what` is seen; told only if its loss was."""
        self._gauge.sighted(what)
        told = self._told.pop(what, None)
        if told is not None:
            write(self._log, BACK[told[0]], what=what)
            self._changed()
