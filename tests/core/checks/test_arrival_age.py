"""`arrival_age`: the last window's 99th percentile, and what stands in its way."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.checks.arrival_age import ARRIVAL_AGE
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import Totals
from streamgauge.model import Blind

AWAY = Blind("topic orders", 5, "broker away")


def window(ages_ms=(), *, unaged=0, completeness=1.0):
    """A window in which records of these ages came."""
    totals = Totals(records=len(ages_ms) + unaged, unaged=unaged)
    totals.arrival_ages.fold(np.array(ages_ms, dtype=np.int64))
    return Window(940_000, 1_000_000, totals, completeness)


@pytest.mark.parametrize(
    ("last_window", "blind", "value", "told_blind", "text"),
    [
        (window([2000] * 98 + [60_000] * 2), (), 61.2, None, "99th percentile"),
        (window([2000] * 99 + [60_000]), (), 1.92, None, "99th percentile"),
        (window(), (), None, None, "had no record in the last window"),
        (window(unaged=1200), (), None, "the age of 1,200 records is not known", ""),
        (window([2000], unaged=3), (), 1.92, None, "99th percentile"),
        (window([2000], completeness=0.5), (), 1.92, "a part of the partitions was not seen", ""),
        (window([2000], completeness=None), (AWAY,), 1.92, "broker away", ""),
        (window(unaged=3, completeness=0.5), (AWAY,), None, "broker away", ""),
        (None, (), None, "the first window has not ended yet", ""),
        (None, (AWAY,), None, "broker away", ""),
    ],
)
def test_measure(snapshot, last_window, blind, value, told_blind, text):
    """A value is told even when a part was not seen; it then cannot pass."""
    (measure,) = ARRIVAL_AGE.measure(snapshot(last_window=last_window, blind=blind))
    assert measure.value == (None if value is None else pytest.approx(value, rel=0.01))
    assert text in measure.text
    if told_blind is None:
        assert measure.blind is None
    else:
        assert told_blind in measure.blind.reason
