"""Tells the gauge and the log when something goes out of sight, and when it is back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from structlog.typing import FilteringBoundLogger

    from streamgauge.core.gauge import StreamGauge

BACK: Final = {
    Event.KAFKA_UNREACHABLE: Event.KAFKA_RECOVERED,
    Event.TAIL_STALLED: Event.KAFKA_RECOVERED,
    Event.TOPIC_ABSENT: Event.TOPIC_SEEN,
    Event.TOPIC_FORBIDDEN: Event.TOPIC_SEEN,
    Event.GROUP_FORBIDDEN: Event.GROUP_SEEN,
    Event.GROUP_UNANSWERED: Event.GROUP_SEEN,
    Event.STATE_NOT_STORED: Event.STATE_STORED,
}
"""What is told when a loss that was told by one event is over."""
AGAIN_SECONDS: Final = 60.0
"""A loss that lasts is told again for another reason, but no more often than this."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that cannot be vouched for."""

    what: str
    reason: str
    unseen_seconds: float = 0.0
    """For how long it had not been seen when this was noticed."""


@dataclass(frozen=True, slots=True)
class _Told:
    event: Event
    reason: str
    at_seconds: float

    def says(self, event: Event, reason: str, now_seconds: float) -> bool:
        """Whether there is nothing to add to it."""
        same_end = BACK[event] is BACK[self.event]
        recent = now_seconds - self.at_seconds < AGAIN_SECONDS
        return same_end and (recent or (event, reason) == (self.event, self.reason))


class Sight:
    """What one stream's shells see. What is lost or regained together is one line of the log."""

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
        self._told: dict[str, _Told] = {}

    def lost(self, event: Event, losses: Iterable[Loss]) -> None:
        """These cannot be vouched for, or still cannot."""
        now_seconds = asyncio.get_running_loop().time()
        news = []
        for loss in losses:
            since_ms = self._now_ms() - round(loss.unseen_seconds * 1000)
            self._gauge.blinded(loss.what, loss.reason, since_ms)
            told = self._told.get(loss.what)
            if told is None or not told.says(event, loss.reason, now_seconds):
                self._told[loss.what] = _Told(event, loss.reason, now_seconds)
                news.append(loss)
        if news:
            others = _others(news)
            write(self._log, event, what=news[0].what, reason=news[0].reason, **others)
            self._changed()

    def forget(self, whats: Iterable[str]) -> None:
        """These are no more: nobody misses them."""
        for what in whats:
            self._gauge.sighted(what)
            self._told.pop(what, None)

    def regained(self, whats: Iterable[str]) -> None:
        """These are seen; told only of those whose loss was."""
        back: dict[Event, list[str]] = {}
        for what in whats:
            self._gauge.sighted(what)
            told = self._told.pop(what, None)
            if told is not None:
                back.setdefault(BACK[told.event], []).append(what)
        for event, seen in back.items():
            write(self._log, event, what=seen[0], **_others(seen))
        if back:
            self._changed()


def _others(all_of_them: Sequence[object]) -> dict[str, int]:
    """How many there are beside the one that is named."""
    return {"others": len(all_of_them) - 1} if len(all_of_them) > 1 else {}
