"""Lag and time lag of a group at any moment, as they follow from the record of truth.

Between two neighbouring edges of all spans nothing happens. What lies within spans may have
happened or not, so that a stretch between edges has alternatives: one for each committed state
that may be in force, and in each of them a least and a greatest lag.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .record_of_truth import Columns, GroupHistory, Log, State


class Reading(NamedTuple):
    """What may be true on a stretch; `lag` is None where the group has no lag to tell."""

    lag: tuple[int, int] | None
    caught_up: bool = False
    """Whether there may be nothing left to read."""
    first_event: tuple[float, float] | None = None
    """Earliest and latest event time that the first unread record may have."""


NOTHING = Reading(None)


class Stretch(NamedTuple):
    """From one edge to the next, and what may be true there."""

    start: float
    end: float
    readings: tuple[Reading, ...]


class Timeline:
    """All stretches of a group's history, in order.

    Args:
        history: what the group has committed.
        partitions: on which to look; None are all.
        slack_seconds: how much earlier or later than known a record may become readable.
    """

    def __init__(
        self,
        history: GroupHistory,
        partitions: tuple[int, ...] | None = None,
        slack_seconds: float = 0.0,
    ) -> None:
        self._states = history.states
        self._sure_from = [state.since.hi for state in self._states]
        self._partitions = partitions
        self._columns: dict[Log, dict[int, Columns]] = {}
        for state in self._states:
            if state.log is not None and state.log not in self._columns:
                self._columns[state.log] = {
                    number: of.slackened(slack_seconds)
                    for number, of in state.log.columns().items()
                    if partitions is None or number in partitions
                }
        edges = self._edges()
        self.stretches = [
            Stretch(start, end, self._readings(_middle(start, end)))
            for start, end in pairwise(edges)
        ]
        self._starts = [each.start for each in self.stretches]

    def within(self, start: float, end: float) -> list[Stretch]:
        """The stretches of a window, cut to it."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = bisect_left(self._starts, end)
        return [
            each._replace(start=max(start, each.start), end=min(end, each.end))
            for each in self.stretches[first : max(last, first + 1)]
        ]

    def at(self, moment: float) -> tuple[Reading, ...]:
        """What may be true at a moment."""
        return self.within(moment, moment)[0].readings

    def _edges(self) -> list[float]:
        moments = [np.array([edge for state in self._states for edge in state.since])]
        for columns in self._columns.values():
            moments += [each for of in columns.values() for each in of[2:]]
        together = np.unique(np.concatenate(moments))
        return [-math.inf, *together[np.isfinite(together)].tolist(), math.inf]

    def _readings(self, moment: float) -> tuple[Reading, ...]:
        """One for each state that may be in force: the last sure one, and those just being made."""
        sure = bisect_right(self._sure_from, moment)
        found = [self._reading(self._states[sure - 1], moment) if sure else NOTHING]
        for state in self._states[sure:]:
            if state.since.lo > moment:
                break
            found.append(self._reading(state, moment))
        return tuple(found)

    def _reading(self, state: State, moment: float) -> Reading:
        if state.log is None:
            return NOTHING
        least = most = 0
        caught_up, floor, ceiling, earliest = True, math.inf, -math.inf, math.inf
        for number, columns in self._columns[state.log].items():
            offset = state.offsets.get(number)
            may = (columns.from_lo <= moment) & (columns.gone_hi >= moment)
            must = (columns.from_hi <= moment) & (columns.gone_lo >= moment)
            if offset is None:
                if may.any():  # from where the group will read here nobody can know
                    return NOTHING
                continue
            may &= columns.offsets >= offset
            must &= columns.offsets >= offset
            if not may.any():
                continue
            least, most = least + int(must.sum()), most + int(may.sum())
            sure = int(np.argmax(must)) if must.any() else len(must) - 1
            events = columns.event[: sure + 1][may[: sure + 1]]
            earliest = min(earliest, float(events.min()))
            if must.any():
                caught_up = False
                floor = min(floor, float(events.max()))
            else:
                ceiling = max(ceiling, float(events.max()))
        if most == 0:
            return Reading((0, 0), caught_up=True)
        return Reading((least, most), caught_up, (earliest, ceiling if caught_up else floor))


def _middle(start: float, end: float) -> float:
    if math.isinf(start):
        return end - 1.0
    return start + 1.0 if math.isinf(end) else (start + end) / 2
