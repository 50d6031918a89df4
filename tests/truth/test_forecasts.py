"""What a forecast has to say of constant rates, by a record of truth that a line draws."""

from __future__ import annotations

import pytest

from .forecasts import forecast_error
from .record_of_truth import GroupHistory, Log, Record, Span
from .stage import Foreseen
from .timeline import Timeline

GROWS, SHRINKS = 20, 10
"""Records a second."""


def growing():
    """A group that stands while 20 records a second come."""
    came = (number / GROWS for number in range(100 * GROWS))
    records = [Record(0, number, at, Span(at, at)) for number, at in enumerate(came)]
    group = GroupHistory("group")
    group.committed(Log("topic", 1, records=records), {0: 0}, Span(-1, -1))
    return Timeline(group)


def shrinking():
    """A group that reads 10 records a second of 2,000 that are there."""
    log = Log("topic", 1, records=[Record(0, number, 0, Span(0, 0)) for number in range(2_000)])
    group = GroupHistory("group")
    for tenth in range(1_000):
        group.committed(log, {0: tenth}, Span(tenth / SHRINKS, tenth / SHRINKS))
    return Timeline(group)


@pytest.mark.parametrize(
    ("timeline", "name", "told", "relative"),
    [
        (growing, "lag_slope", 20.0, 0.0),
        (growing, "lag_slope", 25.0, 0.25),
        (growing, "breach_seconds", 70.0, 0.0),  # 1,600 of 3,000 after 80 s
        (growing, "breach_seconds", 7.0, 0.9),
        (shrinking, "drain_seconds", 120.0, 0.0),  # 1,200 are left after 80 s
        (shrinking, "drain_seconds", 240.0, 1.0),
    ],
)
def test_forecast(timeline, name, told, relative):
    """The distance from the truth at a moment, as a share of it."""
    foreseen = Foreseen(name, 60, 100, 3_000)
    error = forecast_error(timeline(), foreseen, (80, 80), told)
    assert error.relative == pytest.approx(relative, abs=0.01)
