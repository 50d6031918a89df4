"""How fast a group works: what came, what it passed, and how long that took, over a look-back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.core.snapshot import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.core.worked import Worked

LOOK_BACK_MS: Final = 60_000
"""Means are taken over so long, as soon as so much was seen; before, over what was seen."""
LEAST_MS: Final = 5_000
"""Over less than this nothing is told."""
_APART_MS: Final = 1_000
"""Readings that follow each other more closely are left out: a limit on their number."""


class Reading(NamedTuple):
    """Counts at one moment; they only grow within a life."""

    at_ms: int
    came: int | None
    """Records of the stream; None while the gauge has not read to the end: then what it counts is
    its own pace."""
    passed: int | None
    """Records that the group has passed; None while the gauge has not read so far."""
    worked: Worked
    """What is known of their times."""


class PaceMeter:
    """Counts of one group over the look-back."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque()

    def add(self, reading: Reading) -> None:
        """Take in counts. Where they, or the time, have stepped back, begin anew."""
        readings = self._readings
        if readings and _stepped_back(readings[-1], reading):
            readings.clear()
        if len(readings) > 1 and reading.at_ms - readings[-2].at_ms < _APART_MS:
            readings.pop()
        readings.append(reading)
        while len(readings) > 2 and reading.at_ms - readings[1].at_ms >= LOOK_BACK_MS:
            readings.popleft()

    def pace(self) -> Pace:
        """Means between the first and the last reading."""
        if not self._readings:
            return Pace()
        first, last = self._readings[0], self._readings[-1]
        seconds = (last.at_ms - first.at_ms) / 1000
        if seconds * 1000 < LEAST_MS:
            return Pace()
        came = [(each.at_ms, each.came) for each in self._readings]
        passed = [(each.at_ms, each.passed) for each in self._readings]
        aged = last.worked.records - first.worked.records
        arrived = last.worked.with_arrival - first.worked.with_arrival
        return Pace(
            look_back_seconds=seconds,
            in_per_second=_per_second(came),
            out_per_second=_per_second(passed),
            arrival_age_seconds=_mean_seconds(
                last.worked.event_to_arrival_ms - first.worked.event_to_arrival_ms, arrived
            ),
            processing_seconds=_mean_seconds(
                last.worked.arrival_to_commit_ms - first.worked.arrival_to_commit_ms, arrived
            ),
            processed_age_seconds=_mean_seconds(
                last.worked.event_to_commit_ms - first.worked.event_to_commit_ms, aged
            ),
        )


def _stepped_back(before: Reading, now: Reading) -> bool:
    return (
        now.at_ms < before.at_ms
        or _is_less(now.came, before.came)
        or _is_less(now.passed, before.passed)
        or now.worked.records < before.worked.records
    )


def _is_less(now: int | None, before: int | None) -> bool:
    return now is not None and before is not None and now < before


def _per_second(counts: Iterable[tuple[int, int | None]]) -> float | None:
    """Between the first and the last count that is known, if they lie far enough apart."""
    known = [(at_ms, count) for at_ms, count in counts if count is not None]
    if not known or known[-1][0] - known[0][0] < LEAST_MS:
        return None
    (first_ms, first), (last_ms, last) = known[0], known[-1]
    return 1000 * max(0, last - first) / (last_ms - first_ms)


def _mean_seconds(sum_ms: int, count: int) -> float | None:
    return None if count <= 0 else sum_ms / count / 1000
