"""`throughput`: records per second of the last window's true span."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.policy import Limit, Policy, Subject
from streamgauge.core.checks.reported import ReportedCheck
from streamgauge.core.checks.throughput import THROUGHPUT
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import Totals
from streamgauge.core.wording import number
from streamgauge.model import Blind, Level

ORDERS = Subject(("kafka", "orders"), "orders")
FLOOR = ReportedCheck(THROUGHPUT, Policy(fail=Limit(below=1)), ORDERS)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "records", "value"),
    [(0, 10_000, 25, 2.5), (9_500, 10_000, 1, 2.0), (0, 60_000, 0, 0.0)],
)
def test_rate(snapshot, start_ms, end_ms, records, value):
    """A short first window and a long one are rated by how long they were."""
    last = Window(start_ms, end_ms, Totals(records=records), 1.0)
    measure = THROUGHPUT.measure(snapshot(last_window=last), ORDERS)
    assert (measure.value, measure.blind) == (value, None)
    assert measure.text == f"orders brought {number(value)} records a second"


def test_before_the_first_window_it_is_unknown(snapshot):
    """No rate is made up."""
    measure = THROUGHPUT.measure(snapshot(last_window=None), ORDERS)
    assert (measure.value, measure.text) == (None, "no window has ended yet")
    assert measure.blind == Blind("topic orders", 0, "the first window has not ended yet")


def test_a_part_that_was_not_seen_goes_along(snapshot):
    """The rate of the rest is told, and cannot be below a floor for want of it."""
    last = Window(0, 10_000, Totals(records=5), 0.5)
    now = snapshot(last_window=last)
    measure = THROUGHPUT.measure(now, ORDERS)
    assert measure.value == 0.5
    (verdict,) = Evaluation([FLOOR]).evaluate(now)
    assert (verdict.level, verdict.value) == (Level.UNKNOWN, 0.5)
    complete = replace(now, last_window=replace(last, completeness=1.0))
    (verdict,) = Evaluation([FLOOR]).evaluate(complete)
    assert verdict.level is Level.FAIL


def test_it_demands_nothing_by_itself():
    """Nobody can know the floor of a stream but its owner."""
    assert THROUGHPUT.default == Policy()
