"""Forecasts: when a lag is drained, breaches a limit, or is overtaken by retention."""

from __future__ import annotations

from dataclasses import astuple
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.forecast import Limits, forecast
from streamgauge.core.snapshot import Forecast


@pytest.mark.parametrize(
    ("lag", "slope", "seconds", "why"),
    [
        (100, -4.0, 25.0, "100 records at 4 a second"),
        (0, -4.0, 0.0, "drained already"),
        (100, 0.0, None, "it stays"),
        (100, 4.0, None, "it grows"),
        (None, -4.0, None, "nobody knows how much"),
        (100, None, None, "nobody knows how fast"),
        (100, nan, None, "a slope that is no number"),
        (inf, -4.0, None, "nor a lag"),
        (100, -5e-324, None, "so slowly that it is never"),
    ],
)
def test_drain(lag, slope, seconds, why):
    """While the lag shrinks."""
    assert forecast(lag, slope, None, None, retention_seconds=None).drain_seconds == seconds, why


BOTH = Limits(1_000, 30.0)


@pytest.mark.parametrize(
    ("lag", "time_lag", "limits", "breach", "why"),
    [
        ((100, 9.0), (10.0, 0.0), BOTH, (100.0, "lag", 1_000), "900 records at 9 a second"),
        ((100, 0.0), (10.0, 0.5), BOTH, (40.0, "time_lag", 30.0), "20 s at half a second"),
        ((100, 9.0), (10.0, 0.5), BOTH, (40.0, "time_lag", 30.0), "the nearer one"),
        ((100, 90.0), (10.0, 0.5), BOTH, (10.0, "lag", 1_000), "whichever it is"),
        ((100, 9.0), (10.0, 0.2), BOTH, (100.0, "lag", 1_000), "of equally near ones the first"),
        ((1_000, 0.0), (10.0, 0.5), BOTH, (0.0, "lag", 1_000), "one is reached, growing or not"),
        ((1_000, -9.0), (10.0, 0.5), BOTH, (0.0, "lag", 1_000), "even if it shrinks"),
        ((1_000, None), (10.0, None), BOTH, (0.0, "lag", 1_000), "or nobody knows how it goes on"),
        ((999, 0.5), (10.0, 0.0), BOTH, (2.0, "lag", 1_000), "one record short of it"),
        ((2_000, 9.0), (40.0, 0.5), BOTH, (0.0, "lag", 1_000), "both are"),
        ((100, 9.0), (40.0, 0.0), BOTH, (0.0, "time_lag", 30.0), "the other one is"),
        ((100, 0.0), (10.0, 0.0), BOTH, (None, None, None), "nothing grows"),
        ((100, -1.0), (10.0, -1.0), BOTH, (None, None, None), "all shrinks"),
        ((None, 9.0), (None, 0.5), BOTH, (None, None, None), "no values"),
        ((100, None), (10.0, None), BOTH, (None, None, None), "no slopes"),
        ((None, 9.0), (10.0, 0.5), BOTH, (40.0, "time_lag", 30.0), "what is known is told"),
        ((100, 9.0), (10.0, 0.5), Limits(), (None, None, None), "no limits"),
        ((100, 9.0), (10.0, 0.5), Limits(lag=1_000), (100.0, "lag", 1_000), "one limit"),
        ((100, 9.0), (10.0, 0.5), Limits(time_lag_seconds=30.0), (40.0, "time_lag", 30.0), "or"),
        ((100, 0.0), (10.0, 1.0), BOTH, (20.0, "time_lag", 30.0), "the consumer stands"),
        ((0, 0.0), (0.0, 0.0), Limits(0, None), (0.0, "lag", 0), "a limit of nothing is reached"),
        ((100, 9.0), (nan, inf), BOTH, (100.0, "lag", 1_000), "what is no number is unknown"),
        ((100, 5e-324), (10.0, 0.0), BOTH, (None, None, None), "so slowly that it is never"),
    ],
)  # fmt: skip
def test_breach(lag, time_lag, limits, breach, why):
    """The nearest limit that is reached."""
    told = forecast(*lag, *time_lag, limits=limits, retention_seconds=None)
    assert (told.breach_seconds, told.breach_of, told.breach_limit) == breach, why


@pytest.mark.parametrize(
    ("time_lag", "retention", "seconds", "why"),
    [
        ((100.0, 1.0), 3_600.0, 3_500.0, "the consumer stands"),
        ((100.0, 0.5), 3_600.0, 7_000.0, "it is too slow"),
        ((100.0, 0.0), 3_600.0, None, "it keeps up"),
        ((100.0, -1.0), 3_600.0, None, "it catches up"),
        ((3_600.0, 1.0), 3_600.0, 0.0, "it is due"),
        ((9_999.0, 1.0), 3_600.0, 0.0, "it is late: segments go as a whole"),
        ((9_999.0, 0.0), 3_600.0, None, "not while it does not grow"),
        ((9_999.0, None), 3_600.0, None, "or nobody knows"),
        ((100.0, 1.0), None, None, "kept for ever"),
        ((None, 1.0), 3_600.0, None, "no time lag"),
        ((100.0, None), 3_600.0, None, "no slope"),
    ],
)
def test_retention(time_lag, retention, seconds, why):
    """While the time lag grows."""
    told = forecast(5, 1.0, *time_lag, retention_seconds=retention)
    assert told.retention_seconds == seconds, why


def test_slopes_are_told_with_it():
    """As they were handed in; what is no number is unknown."""
    assert forecast(5, 1.5, 2.0, -0.5, retention_seconds=None) == Forecast(1.5, -0.5, None)
    assert forecast(5, nan, 2.0, -inf, retention_seconds=None) == Forecast()


NUMBERS = st.none() | st.floats() | st.integers(0, 10**15)


@given(*[NUMBERS] * 7)
def test_every_number_is_finite_and_no_time_is_negative(lag, slope, time, growth, most, late, kept):
    """Whatever is handed in; lags and limits are never negative."""
    lag, time, most, late, kept = (
        None if each is None else abs(each) for each in (lag, time, most, late, kept)
    )
    told = forecast(lag, slope, time, growth, limits=Limits(most, late), retention_seconds=kept)
    numbers = [each for each in astuple(told) if each is not None and not isinstance(each, str)]
    assert all(isfinite(each) for each in numbers if each is not told.breach_limit)
    times = (told.drain_seconds, told.breach_seconds, told.retention_seconds)
    assert all(each >= 0 for each in times if each is not None)
