"""The sliding count of dead letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.arrivals import Arrivals


def test_arrivals_leave_after_the_span():
    """Counted for exactly the span, then forgotten."""
    arrivals = Arrivals(1000)
    assert (arrivals.recent(0), arrivals.last_ms) == (0, None)
    arrivals.add(0, 5)
    assert arrivals.last_ms is None
    arrivals.add(2, 100)
    arrivals.add(1, 600)
    assert [arrivals.recent(now) for now in (600, 1099, 1100, 1599, 1600)] == [3, 3, 1, 1, 0]
    assert arrivals.last_ms == 600


def test_no_arrival_is_forgotten_untold():
    """Whoever asks too late for the span is told once what came meanwhile, and then no more."""
    arrivals = Arrivals(1000)
    arrivals.add(2, 100)
    arrivals.add(1, 101)
    arrivals.add(4, 1600)
    assert [arrivals.recent(now) for now in (5000, 5000)] == [7, 0]
    arrivals.add(1, 5000)
    assert arrivals.recent(5001) == 1
    arrivals.add(2, 5000)
    assert [arrivals.recent(now) for now in (9000, 9000)] == [3, 0]
    arrivals.add(1, 10_000)
    arrivals.add(1, 10_500)
    assert arrivals.recent(10_500) == 2
    arrivals.add(1, 10_500)
    assert arrivals.recent(11_200) == 2


def test_arrivals_without_a_time_came_when_somebody_asks():
    """From then on they are arrivals like any other."""
    arrivals = Arrivals(1000)
    arrivals.add(2, 100)
    arrivals.add(3, None)
    arrivals.add(1, None)
    arrivals.add(0, None)
    assert arrivals.last_ms == 100
    assert [arrivals.recent(now) for now in (1050, 1100, 2049, 2050)] == [6, 4, 4, 0]
    assert arrivals.last_ms == 1050


def test_arrivals_of_one_step_leave_together():
    """A step is 1/256 of the span and at least a millisecond; its newest arrival decides."""
    arrivals = Arrivals(1000)  # in steps of 3 ms
    for at_ms in (3, 5, 6):
        arrivals.add(1, at_ms)
    assert [arrivals.recent(now) for now in (6, 1004, 1005, 1006)] == [3, 3, 1, 0]
    arrivals = Arrivals(255)
    arrivals.add(1, 2)
    arrivals.add(1, 3)
    assert [arrivals.recent(now) for now in (3, 257, 258)] == [2, 1, 0]


def test_a_flood_is_remembered_in_few_steps():
    """However many arrivals come within a span, also before anybody asks."""
    arrivals = Arrivals(256 * 255)
    for at_ms in range(256 * 255):
        arrivals.add(1, at_ms)
    assert len(arrivals._steps) == 256  # noqa: SLF001 - the bound is on what is kept
    assert arrivals.recent(65_280) == 65_280
    assert arrivals.recent(65_534) == 65_280 - 255


def test_a_clock_that_steps_back_forgets_nothing():
    """An arrival that seems earlier counts with the newest step."""
    arrivals = Arrivals(1000)
    arrivals.add(1, 5000)
    arrivals.add(1, 100)
    assert (arrivals.recent(5999), arrivals.recent(6000), arrivals.last_ms) == (2, 0, 5000)


@pytest.mark.parametrize(
    ("now_ms", "count"), [(4_999, 0), (5_000, 1), (5_999, 1), (6_000, 0), (9_000, 0)]
)
def test_an_arrival_that_was_counted_elsewhere_is_one_within_its_span(now_ms, count):
    """How many came with it nobody knows; one that a clock puts into the future has not come."""
    arrivals = Arrivals(1000)
    arrivals.remember(5_000)
    arrivals.remember(4_000)
    assert (arrivals.recent(now_ms), arrivals.last_ms) == (count, 5_000)


def test_an_arrival_that_was_counted_elsewhere_adds_nothing_to_those_counted_here():
    """It may be one of them, after this process has gone back to what is stored."""
    arrivals = Arrivals(1000)
    arrivals.remember(5_000)
    arrivals.add(2, 5_100)
    assert [arrivals.recent(now) for now in (5_100, 6_099, 6_100)] == [2, 2, 0]
    arrivals.remember(6_500)
    assert [arrivals.recent(now) for now in (6_600, 7_500)] == [1, 0]


@given(st.integers(1, 5000), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5))))
def test_the_count_is_never_too_small_and_memory_bounded(span_ms, steps):
    """Against counting one by one; too large by at most one step of the span."""
    arrivals, now_ms, log = Arrivals(span_ms), 0, []
    for gap_ms, count in steps:
        now_ms += gap_ms
        arrivals.add(count, now_ms)
        log.append((now_ms, count))
        exact = sum(c for at, c in log if at > now_ms - span_ms)
        wider = sum(c for at, c in log if at > now_ms - span_ms - max(1, span_ms // 256))
        assert exact <= arrivals.recent(now_ms) <= wider
    assert len(arrivals._steps) <= 2 * 256 + 2  # noqa: SLF001 - the bound is on what is kept
