"""`time_lag`: the greatest of the partitions, which a lower bound lets fail but not pass."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.time_lag import TIME_LAG
from streamgauge.model import Blind, LagBound

EXACT, UPPER, LOWER, UNKNOWN = LagBound.EXACT, LagBound.UPPER, LagBound.LOWER, LagBound.UNKNOWN
NOT_KNOWN = "its time lag is not known on partition"


@pytest.mark.parametrize(
    ("seconds", "bound", "parts", "text", "reason"),
    [
        (42.25, EXACT, [(42.25, EXACT), (1, EXACT)], "the time lag of a is 42.25 s", None),
        (0.0, EXACT, [(0.0, EXACT)], "the time lag of a is 0 s", None),
        (42.0, UPPER, [(42.0, UPPER)], "the time lag of a is 42 s", None),
        (42.0, LOWER, [(1, EXACT), (42.0, LOWER)], "the time lag of a is at least 42 s",
         f"{NOT_KNOWN} 1"),
        (42.0, LOWER, [(42.0, EXACT), (None, UNKNOWN), (3, LOWER)],
         "the time lag of a is at least 42 s", f"{NOT_KNOWN} 1, 2"),
        (None, UNKNOWN, [(None, UNKNOWN)], "the time lag of a is not known", f"{NOT_KNOWN} 0"),
    ],
)  # fmt: skip
def test_measure(part, group, measure, seconds, bound, parts, text, reason):
    """The sentence says how the number is to be read."""
    partitions = {number: part(*each) for number, each in enumerate(parts)}
    view = group(time_lag_seconds=seconds, time_lag_bound=bound, partitions=partitions)
    measured = measure(TIME_LAG, "a", {"a": view})
    blind = None if reason is None else Blind("group a", 999_000, reason)
    assert (measured.text, measured.value, measured.blind) == (text, seconds, blind)


def test_a_group_that_never_committed_has_none(part, group, measure):
    """Nobody knows from where it will read; the gauge sees all there is."""
    parts = {0: part(None, UNKNOWN, committed=None)}
    view = group(time_lag_seconds=None, time_lag_bound=UNKNOWN, partitions=parts)
    measured = measure(TIME_LAG, "a", {"a": view})
    assert (measured.value, measured.blind) == (None, None)
    assert measured.text == "a has no committed offset on orders"


def test_a_pattern_is_as_late_as_its_latest_group(group, measure):
    """Which is named."""
    groups = {"b-1": group(time_lag_seconds=3.0), "b-2": group(time_lag_seconds=70.0)}
    measured = measure(TIME_LAG, "b-*", groups)
    assert (measured.text, measured.value) == ("the time lag of b-2 is 70 s", 70.0)
