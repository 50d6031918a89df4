"""How fast a group works: means over a look-back that tell a slow consumer from a late producer."""

from __future__ import annotations

import pytest

from streamgauge.core.pace import LEAST_MS, LOOK_BACK_MS, PaceMeter, Reading
from streamgauge.core.snapshot import Pace
from streamgauge.core.worked import Worked


def reading(at_ms, came=0, passed=0, worked=None):
    """Counts at a moment."""
    return Reading(at_ms, came, passed, worked or Worked())


def steady(meter, seconds, *, begin=0, **rates):
    """Readings once a second, in which so many records a second come and are passed."""
    for second in range(begin, begin + seconds + 1):
        worked = Worked(
            records=rates["passed"] * second,
            event_to_commit_ms=rates["passed"] * second * 5_000,
            with_arrival=rates["passed"] * second,
            event_to_arrival_ms=rates["passed"] * second * 4_000,
            arrival_to_commit_ms=rates["passed"] * second * 1_000,
        )
        meter.add(reading(second * 1_000, rates["came"] * second, rates["passed"] * second, worked))
    return meter.pace()


def test_means_are_of_what_happened_within_the_look_back():
    """An age is made of what the producer and what the consumer took."""
    pace = steady(PaceMeter(), 100, came=30, passed=20)
    assert pace == Pace(60.0, 30.0, 20.0, 4.0, 1.0, 5.0)


def test_a_change_is_all_that_is_told_after_a_look_back():
    """What lies before is over."""
    meter = PaceMeter()
    steady(meter, 100, came=30, passed=20)
    worked = Worked(2_000, 10_000_000, 2_000, 8_000_000, 2_000_000)
    for second in range(101, 162):
        meter.add(reading(second * 1_000, 3_000 + second, 2_000, worked))
    pace = meter.pace()
    assert (pace.look_back_seconds, pace.in_per_second) == (LOOK_BACK_MS / 1000, 1.0)
    assert (pace.out_per_second, pace.processing_seconds) == (0.0, None)


@pytest.mark.parametrize("last_ms", [0, LEAST_MS - 1])
def test_of_a_moment_nothing_is_told(last_ms):
    """Chance would be."""
    meter = PaceMeter()
    assert meter.pace() == Pace()
    meter.add(reading(0))
    meter.add(reading(last_ms, 10, 10))
    assert meter.pace() == Pace()
    meter.add(reading(LEAST_MS, 10, 10))
    assert meter.pace().in_per_second == 2.0


@pytest.mark.parametrize(
    ("counts", "in_per_second", "out_per_second"),
    [
        ([(None, 10)] * 10, None, 0.0),
        ([(10, None)] * 10, 0.0, None),
        ([(None, None)] * 5 + [(100 + 2 * n, 3 * n) for n in range(6)], 2.0, 3.0),
        ([(None, None)] * 5 + [(100 + 2 * n, 3 * n) for n in range(5)], None, None),
        ([(2 * n, None if n % 2 else n) for n in range(8)], 2.0, 1.0),
        ([(7 * n, n) for n in range(6)] + [(None, None)] * 4, 7.0, 1.0),
        ([(90, 90)] + [(None, None)] * 8 + [(99, 99)], 1.0, 1.0),
    ],
)
def test_what_the_gauge_has_not_read_yet_is_no_pace(counts, in_per_second, out_per_second):
    """Between the first and the last count that is known, 5 s apart at least."""
    meter = PaceMeter()
    for second, (came, passed) in enumerate(counts):
        meter.add(reading(1_000 * second, came, passed))
    pace = meter.pace()
    assert (pace.in_per_second, pace.out_per_second) == (in_per_second, out_per_second)


@pytest.mark.parametrize(
    "after",
    [
        reading(4_000, 100, 100, Worked(records=9)),
        reading(9_000, 3, 100, Worked(records=9)),
        reading(9_000, 100, 3, Worked(records=9)),
        reading(9_000, 100, 100, Worked(records=3)),
    ],
)
def test_whatever_steps_back_begins_anew(after):
    """A clock that was set back, or a new life."""
    meter = PaceMeter()
    meter.add(reading(0, 0, 0))
    meter.add(reading(8_000, 10, 10, Worked(records=8)))
    assert meter.pace() != Pace()
    meter.add(after)
    assert meter.pace() == Pace()


def test_readings_are_limited():
    """However often the group is polled."""
    meter = PaceMeter()
    for at_ms in range(0, 600_000, 100):
        meter.add(reading(at_ms, at_ms, at_ms))
    kept = meter._readings  # noqa: SLF001 - nothing else shows how many they are
    assert len(kept) <= 2 * LOOK_BACK_MS // 1000 + 3
    assert meter.pace().in_per_second == 1_000.0
