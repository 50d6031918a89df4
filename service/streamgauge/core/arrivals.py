"""Arrivals: how many dead letters came within the last span of time."""

from __future__ import annotations

from collections import deque

_STEPS = 256


class Arrivals:
    """A sliding count over the last `span_ms`; what is older is forgotten.

    The span is remembered in 256 steps. Arrivals of one step count until the newest of them is
    older than the span, so the count is never too small, and right to 1/256 of the span. None is
    forgotten before it was told once, however late somebody asks. Of what was counted elsewhere
    only the last arrival is known: the count is at least one then.
    """

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._step_ms = max(1, span_ms // _STEPS)
        self._steps: deque[tuple[int, int, int]] = deque()
        self._untold_steps = 0
        self._untimed = 0
        self.last_ms: int | None = None
        """When something arrived last."""

    def add(self, count: int, at_ms: int | None) -> None:
        """Count arrivals; those without a time count as coming when somebody asks next."""
        if count == 0:
            return
        if at_ms is None:
            self._untimed += count
            return
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)
        step = at_ms // self._step_ms
        if self._steps and self._steps[-1][0] >= step:
            step, newest_ms, before = self._steps.pop()
            self._steps.append((step, max(newest_ms, at_ms), before + count))
            self._untold_steps = max(self._untold_steps, 1)
        else:
            self._steps.append((step, at_ms, count))
            self._untold_steps += 1

    def remember(self, at_ms: int) -> None:
        """Something arrived at that time, which was counted elsewhere."""
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)

    def recent(self, now_ms: int) -> int:
        """How many arrived after `now_ms - span_ms`, or since this was asked before."""
        self.add(self._untimed, now_ms)
        self._untimed = 0
        while len(self._steps) > self._untold_steps and self._steps[0][1] <= now_ms - self._span_ms:
            self._steps.popleft()
        self._untold_steps = 0
        count = sum(count for _, _, count in self._steps)
        remembered = self.last_ms is not None and now_ms - self._span_ms < self.last_ms <= now_ms
        return max(count, 1) if remembered else count
