"""Whether the lag of a consumer group grows, and not only did.

A slope looks back: after a burst it stays above 0 for a while though the lag shrinks already. So a
lag grows for as long as its slope is above 0, but only while it reaches new highest values.
"""

from __future__ import annotations


class LagGrowth:
    """What is remembered of one lag."""

    __slots__ = ("_peak", "_peak_ms", "since_ms")

    def __init__(self) -> None:
        self.since_ms: int | None = None
        """First answer at which the slope was above 0, and it has been since; None: it is not."""
        self._peak = self._peak_ms = 0
        """The highest lag since then, and when it was first seen."""

    def seen(self, lag: int, slope: float | None, seen_at_ms: int) -> None:
        """Take in the lag of an answer and its slope, None where that is unknown."""
        if slope is None or slope <= 0 or not lag:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms, self._peak, self._peak_ms = seen_at_ms, lag, seen_at_ms
        elif lag > self._peak:
            self._peak, self._peak_ms = lag, seen_at_ms

    def lasted(self, for_ms: int, seen_at_ms: int) -> bool:
        """Whether it has grown for so long, and reached a new highest value in the last half."""
        return (
            self.since_ms is not None
            and seen_at_ms - self.since_ms >= for_ms
            and 2 * (seen_at_ms - self._peak_ms) <= for_ms
        )

    def set_back(self, now_ms: int) -> None:
        """The clock was set back: times that it has not reached again are moved to now."""
        self._peak_ms = min(self._peak_ms, now_ms)
        if self.since_ms is not None:
            self.since_ms = min(self.since_ms, now_ms)
