"""Windows: aligned, tumbling, cut on silence, and long after a jump of the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.totals import Totals
from streamgauge.core.windows import Windows


def spans(start_ms, *ticks):
    """(start, end, records) of the windows that these (now, records so far) ticks cut."""
    windows = Windows(10, start_ms, Totals())
    cut = [windows.cut(now_ms, Totals(records=records), 0.5) for now_ms, records in ticks]
    return [w and (w.start_ms, w.end_ms, w.totals.records) for w in cut]


@pytest.mark.parametrize(
    ("start_ms", "ticks", "expected", "why"),
    [
        (3, [(9, 1)], [None], "not before the end"),
        (3, [(10, 1)], [(3, 10, 1)], "the first window begins when watching begins"),
        (10, [(10, 1), (19, 2)], [None, None], "a start on a boundary opens a whole window"),
        (10, [(20, 4), (31, 4)], [(10, 20, 4), (20, 30, 0)], "silence gives an empty window"),
        (10, [(23, 4), (30, 9)], [(10, 20, 4), (20, 30, 5)], "a late tick still ends at its time"),
        (10, [(57, 4), (60, 5)], [(10, 50, 4), (50, 60, 1)], "one long window after a jump"),
        (10, [(20, 4), (5, 6), (29, 7), (30, 8)], [(10, 20, 4), None, None, (20, 30, 4)],
         "a clock that steps back lengthens the open window"),
    ],
)  # fmt: skip
def test_windows_are_cut(start_ms, ticks, expected, why):
    """The rules of the module, one by one."""
    assert spans(start_ms, *ticks) == expected, why


def test_the_next_end_is_told():
    """A sleeper knows when to wake."""
    windows = Windows(10, 13, Totals())
    assert windows.next_end_ms == 20
    windows.cut(41, Totals(), None)
    assert windows.next_end_ms == 50


def test_completeness_goes_along():
    """A window carries how much of the stream it stands for."""
    assert Windows(10, 0, Totals()).cut(10, Totals(), 0.25).completeness == 0.25


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(-30, 80), st.integers(0, 9)), min_size=1, max_size=30),
)
def test_windows_tile_time_and_lose_no_record(window_ms, steps):
    """Whatever the clock does, windows join without gap and their records add up."""
    windows, now_ms, records, cut = Windows(window_ms, 100, Totals()), 100, 0, []
    for step, more in steps:
        now_ms, records = max(0, now_ms + step), records + more
        window = windows.cut(now_ms, Totals(records=records), None)
        if window is not None:
            cut.append((window, records))
    told = 0
    for (window, records_then), start_ms in zip(
        cut, [100, *(w.end_ms for w, _ in cut)], strict=False
    ):
        assert window.start_ms == start_ms < window.end_ms
        assert window.end_ms % window_ms == 0
        told += window.totals.records
        assert told == records_then
