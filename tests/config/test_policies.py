"""What is asked of a stream: the configuration laid over the defaults of each check."""

from __future__ import annotations

import pytest

from streamgauge.config.checks import Checks
from streamgauge.config.policies import check_policies
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.model import Level

DEFAULTS = {check.name: check.default for check in CHECKS}


def policies(**checks):
    """The policies of a configuration with these checks, as the file would say them."""
    return check_policies(Checks.model_validate(checks))


def test_what_is_not_configured_is_as_by_default():
    """For every check."""
    assert policies() == DEFAULTS


def test_a_check_that_is_switched_off_demands_nothing():
    """Whatever limits stand beside it."""
    configured = policies(lag={"enabled": False, "warn": {"above": 5}})
    assert configured == DEFAULTS | {"lag": Policy()}


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({"above": 5}, Limit(above=5, for_ms=300_000)),
        ({"for": "1m"}, Limit(above=10_000, for_ms=60_000)),
        ({"above": 5, "for": "0s"}, Limit(above=5, for_ms=0)),
        ({}, Limit(above=10_000, for_ms=300_000)),
    ],
)
def test_a_limit_is_laid_over_its_default_part_by_part(configured, expected):
    """The bound, and how long it must be breached; the other limit stays."""
    lag = policies(lag={"warn": configured})["lag"]
    assert (lag.warn, lag.fail) == (expected, DEFAULTS["lag"].fail)


def test_a_check_without_limits_demands_nothing_until_one_is_set():
    """`throughput` has none; half a limit without a bound is none."""
    assert DEFAULTS["throughput"].warn is None
    assert policies(throughput={"keep_failing_for": "1m"})["throughput"].warn is None
    assert DEFAULTS["no_dead_letters"].warn is None
    assert policies(no_dead_letters={"warn": {"for": "1m"}})["no_dead_letters"].warn is None
    assert policies(throughput={"warn": {"below": 2}})["throughput"].warn == Limit(below=2)
    assert policies(arrival_age={"warn": {"for": "1m"}})["arrival_age"].fail == (
        DEFAULTS["arrival_age"].fail
    )


def test_ages_are_in_seconds():
    """The configuration keeps milliseconds, the check measures seconds."""
    assert policies(fresh={"fail": {"above": "1500ms"}})["fresh"].fail == Limit(above=1.5)


def test_statuses_are_severities():
    """The configuration names them, the check measures how bad they are."""
    status = policies(group_status={"warn": {"above": "LAGGING"}, "fail": {"above": "STALLED"}})
    assert status["group_status"].warn == Limit(above=1)
    assert status["group_status"].fail == Limit(above=3)


def test_a_time_left_is_in_seconds():
    """What is not set of it stays."""
    forecast = policies(forecast={"warn": {"below": "30m"}, "fail": {"below": "1m30s"}})["forecast"]
    assert forecast.warn == Limit(below=1_800, for_ms=30_000)
    assert forecast.fail == Limit(below=90)


def test_the_memory_and_the_word_for_nothing_are_laid_over_too():
    """Each by itself."""
    lag = policies(lag={"keep_failing_for": "10s"})["lag"]
    assert (lag.keep_failing_for_ms, lag.on_no_data) == (10_000, DEFAULTS["lag"].on_no_data)
    lag = policies(lag={"on_no_data": "fail"})["lag"]
    assert (lag.keep_failing_for_ms, lag.on_no_data) == (120_000, Level.FAIL)
