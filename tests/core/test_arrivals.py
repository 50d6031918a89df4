"""The sliding count of dead letters."""

from __future__ import annotations

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


def test_a_clock_that_steps_back_forgets_nothing():
    """An arrival that seems earlier counts with the newest step."""
    arrivals = Arrivals(1000)
    arrivals.add(1, 5000)
    arrivals.add(1, 100)
    assert (arrivals.recent(5999), arrivals.recent(6000), arrivals.last_ms) == (2, 0, 5000)


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
