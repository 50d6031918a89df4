"""`arrival_age`: the last window's 99th percentile, and what stands in its way."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.checks.arrival_age import ARRIVAL_AGE
from streamgauge.core.checks.policy import Subject
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import Totals
from streamgauge.core.wording import number
from streamgauge.model import Blind

ORDERS = Subject(("kafka", "orders"), "orders")
AWAY = Blind("topic orders", 5, "broker away")
NOT_SEEN = "a part of the partitions was not seen in the last window"


def window(ages_ms=(), unaged=0, completeness=1.0):
    """A window in which records of these ages came."""
    totals = Totals(records=len(ages_ms) + unaged, unaged=unaged)
    totals.arrival_ages.fold(np.array(ages_ms, dtype=np.int64))
    return Window(940_000, 1_000_000, totals, completeness)


@pytest.mark.parametrize(
    ("last_window", "blind", "value", "told_blind"),
    [
        (([2000] * 98 + [60_000] * 2,), (), 61.229, None),
        (([2000] * 99 + [60_000],), (), 1.913, None),
        ((), (), None, None),
        (([], 1200), (), None, ("the age of 1,200 records is not known", 940_000)),
        (([2000], 3), (), 1.913, None),
        (([2000], 0, 0.5), (), 1.913, (NOT_SEEN, 940_000)),
        (([2000], 0, None), (), 1.913, (NOT_SEEN, 940_000)),
        (([2000], 0, 0.5), (AWAY,), 1.913, ("broker away", 5)),
        (([], 3, 0.5), (AWAY,), None, ("broker away", 5)),
        (([], 3), (AWAY,), None, ("the age of 3 records is not known", 940_000)),
        (None, (), None, ("the first window has not ended yet", 7)),
        (None, (AWAY,), None, ("broker away", 5)),
    ],
)
def test_measure(snapshot, last_window, blind, value, told_blind):
    """A value is told even when a part was not seen; it then cannot pass."""
    last = None if last_window is None else window(*last_window)
    now = snapshot(last_window=last, blind=blind, life_start_ms=7)
    measure = ARRIVAL_AGE.measure(now, ORDERS)
    assert measure.value == (None if value is None else pytest.approx(value, abs=0.001))
    text = "orders had no record in the last window"
    if value is not None:
        text = f"the 99th percentile of the arrival ages of orders is {number(value)} s"
    assert measure.text == text
    assert measure.blind == (told_blind and Blind("topic orders", told_blind[1], told_blind[0]))
