"""Windows: tumbling spans of the reporter's wall clock, cut from totals, aligned to the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.snapshot import Window

if TYPE_CHECKING:
    from streamgauge.core.totals import Totals


class Windows:
    """Cuts one window after the other; the first begins when watching begins.

    Rules:
    1. A window ends at the first multiple of its length after its start that the clock has reached.
    2. If the clock has passed several of them (the process stood still, the clock stepped forward),
       one long window ends at the last of them: what came is told once, with its true span.
    3. If the clock steps back, the window simply lasts until its end is reached again.
    """

    def __init__(self, window_ms: int, now_ms: int, totals: Totals) -> None:
        self._window_ms = window_ms
        self._start_ms = now_ms
        self._totals_at_start = totals

    @property
    def next_end_ms(self) -> int:
        """When the window that is open now can end at the earliest."""
        return (self._start_ms // self._window_ms + 1) * self._window_ms

    def cut(self, now_ms: int, totals: Totals, completeness: float | None) -> Window | None:
        """The window that has ended by now, None if none has.

        Args:
            now_ms: the reporter's clock.
            totals: the stream's totals now; they must not be changed afterwards.
            completeness: share of the partitions whose state is fresh now.
        """
        if now_ms < self.next_end_ms:
            return None
        end_ms = now_ms // self._window_ms * self._window_ms
        window = Window(self._start_ms, end_ms, totals - self._totals_at_start, completeness)
        self._start_ms, self._totals_at_start = end_ms, totals
        return window
