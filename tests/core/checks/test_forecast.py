"""`forecast`: the time until the first of what is foreseen, in a sentence that says what it is."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.forecast import FORECAST
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.core.snapshot import Forecast
from streamgauge.model import Blind, LagBound

BREACH = {"breach_seconds": 240.0, "breach_of": "time_lag", "breach_limit": 30.0}
LAG = {"breach_seconds": 4_000.0, "breach_of": "lag", "breach_limit": 10_000.0}
SLOPES = {"lag_slope": 0.0, "time_lag_slope": 0.0}
AT_ONCE = Policy(warn=Limit(below=600), fail=Limit(below=120))


def level(measure):
    """By limits without `for`."""
    return judge(FORECAST, AT_ONCE, measure, first_standing(0), 0).level.value


@pytest.mark.parametrize(
    ("forecast", "value", "text"),
    [
        (BREACH, 240, "a breaches the 30 s limit of time_lag in 4 m at this rate"),
        (LAG, 4_000, "a breaches the 10,000 records limit of lag in 1 h 6 m at this rate"),
        (BREACH | {"breach_seconds": 0.0}, 0, "a breaches the 30 s limit of time_lag now"),
        (BREACH | {"retention_seconds": 239.5}, 239.5,
         "retention deletes what a has not read in 3 m 59 s at this rate"),
        (BREACH | {"retention_seconds": 300.0}, 240,
         "a breaches the 30 s limit of time_lag in 4 m at this rate"),
        ({"retention_seconds": 0.99}, 0.99, "retention deletes what a has not read now"),
        ({"retention_seconds": 1.0}, 1.0,
         "retention deletes what a has not read in 1 s at this rate"),
        ({"drain_seconds": 40.4, "lag_slope": -5.0}, None,
         "the lag of a drains in 40 s at this rate"),
        ({"lag_slope": 2.0}, None, "the lag of a grows, but reaches no limit"),
        ({"time_lag_slope": 2.0}, None, "the lag of a grows, but reaches no limit"),
        ({}, None, "the lag of a is not growing"),
    ],
)  # fmt: skip
def test_measure(group, measure, forecast, value, text):
    """What comes first is told; nothing that comes is no data, which passes by default."""
    measured = measure(FORECAST, "a", {"a": group(forecast=Forecast(**SLOPES | forecast))})
    assert (measured.text, measured.value, measured.blind) == (text, value, None)


@pytest.mark.parametrize("missing", ["lag_slope", "time_lag_slope"])
def test_what_is_foreseen_of_one_lag_is_sure_while_the_other_is_unknown(group, measure, missing):
    """It may come sooner, not later: so it breaches, and never passes."""
    for forecast, told in ((BREACH, "warn"), (LAG, "unknown"), ({}, "unknown")):
        view = group(forecast=Forecast(**SLOPES | forecast | {missing: None}))
        measured = measure(FORECAST, "a", {"a": view})
        blind = Blind("group a", 999_000, "how fast its lag changes is not known")
        assert (measured.blind, level(measured)) == (blind, told)


def test_an_old_forecast_is_none(group, measure):
    """What grew then may have stopped since."""
    view = group(forecast=Forecast(**SLOPES | BREACH), as_of_ms=100)
    measured = measure(FORECAST, "a", {"a": view})
    assert (measured.text, measured.value) == ("the forecast of a is not known", None)


def test_a_group_that_never_committed_has_none(part, group, measure):
    """It is not unknown: there is nothing to foresee."""
    view = group(partitions={0: part(None, LagBound.UNKNOWN, committed=None)})
    measured = measure(FORECAST, "a", {"a": view})
    assert (measured.text, measured.value, measured.blind) == (
        "a has no committed offset on orders", None, None,
    )  # fmt: skip


def test_the_first_breach_of_a_pattern_counts_although_another_group_is_unknown(group, measure):
    """The least time is the worst one; without one the unknown group forbids a pass."""
    groups = {
        "b-1": group(forecast=Forecast(**SLOPES | LAG)),
        "b-2": group(forecast=Forecast(**SLOPES | BREACH)),
        "b-3": group(forecast=Forecast(**SLOPES)),
        "b-4": group(),
    }
    assert measure(FORECAST, "b-[123]", groups).text.startswith("b-2 breaches")
    measured = measure(FORECAST, "b-*", groups)
    assert (measured.value, measured.blind.what, level(measured)) == (240, "group b-4", "warn")
    assert level(measure(FORECAST, "b-[134]", groups)) == "unknown"
