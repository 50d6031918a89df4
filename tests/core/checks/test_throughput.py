"""`throughput`: records per second of the last window's true span."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.policy import Policy
from streamgauge.core.checks.throughput import THROUGHPUT
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import Totals


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "records", "value"),
    [(0, 10_000, 25, 2.5), (9_500, 10_000, 1, 2.0), (0, 60_000, 0, 0.0)],
)
def test_rate(snapshot, start_ms, end_ms, records, value):
    """A short first window and a long one are rated by how long they were."""
    last = Window(start_ms, end_ms, Totals(records=records), 1.0)
    (measure,) = THROUGHPUT.measure(snapshot(last_window=last))
    assert (measure.value, measure.blind) == (value, None)
    assert "records a second" in measure.text


def test_before_the_first_window_it_is_unknown(snapshot):
    """No rate is made up."""
    (measure,) = THROUGHPUT.measure(snapshot(last_window=None))
    assert measure.value is None
    assert "first window" in measure.blind.reason


def test_it_demands_nothing_by_itself():
    """Nobody can know the floor of a stream but its owner."""
    assert THROUGHPUT.default == Policy()
