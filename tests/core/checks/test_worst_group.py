"""All checks of groups: of a pattern the worst group, and nothing passes that is not known."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.policy import Judges, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.core.snapshot import Forecast
from streamgauge.model import Blind, Level

OF_GROUPS = [check for check in CHECKS if check.judges is Judges.GROUPS]
EVERY = pytest.mark.parametrize("check", OF_GROUPS, ids=lambda check: check.name)
AWAY = Blind("group a", 5, "not allowed to see it")
OLD = "its committed offsets were not answered since then"
STEADY = Forecast(lag_slope=0.0, time_lag_slope=0.0)


def level(check, measure):
    """What is said of it by default."""
    return judge(check, check.default, measure, first_standing(0), 1_000_000).level


def test_all_are_here():
    """Six of them."""
    assert [check.name for check in OF_GROUPS] == [
        "data_loss", "group_status", "time_lag", "lag", "processed_age", "forecast",
    ]  # fmt: skip


@EVERY
@pytest.mark.parametrize(
    ("as_of_ms", "blind"),
    [
        (None, Blind("group a", 7, "its committed offsets were not answered yet")),
        (880_000, None),
        (879_999, Blind("group a", 879_999, OLD)),
        (1_120_001, Blind("group a", 1_000_000, OLD)),
    ],
)  # fmt: skip
def test_an_answer_that_is_too_old_is_unknown(check, group, measure, as_of_ms, blind):
    """After a clock was set back also one from ahead; two minutes old is the oldest that counts."""
    groups = {"a": group(as_of_ms=as_of_ms, forecast=STEADY)}
    measured = measure(check, "a", groups)
    assert measured.blind == blind
    assert level(check, measured) is (Level.PASS if blind is None else Level.UNKNOWN)


@EVERY
def test_a_group_that_is_not_seen_is_unknown(check, group, measure):
    """For the reason that the gauge gives."""
    groups = {"a": group(forecast=STEADY), "b": group(forecast=STEADY)}
    measured = measure(check, "a", groups, blind=(AWAY,))
    assert (measured.blind, level(check, measured)) == (AWAY, Level.UNKNOWN)
    assert measure(check, "b", groups, blind=(AWAY,)).blind is None


@EVERY
def test_one_unknown_group_of_a_pattern_makes_it_unknown(check, group, measure):
    """It is named; those that are known may be well."""
    groups = {"a": group(forecast=STEADY, as_of_ms=None), "b": group(forecast=STEADY)}
    measured = measure(check, "*", groups)
    reason = "group a: its committed offsets were not answered yet"
    assert measured.blind == Blind("group a", 7, reason)
    assert level(check, measured) is Level.UNKNOWN


@EVERY
def test_a_pattern_without_groups_has_nothing_to_measure(check, measure):
    """Unless the gauge cannot see which there are, or knows nothing of the topic."""
    text = "no consumer group that the gauge may see matches x*"
    measured = measure(check, "x*", {})
    assert (measured.text, measured.value, measured.blind) == (text, None, None)
    assert level(check, measured) is check.default.on_no_data
    unlisted = Blind("group x*", 5, "no listing yet")
    unseen = Blind("topic orders", 6, "not asked for yet")
    assert measure(check, "x*", {}, blind=(unseen, unlisted)).blind == unlisted
    assert measure(check, "x*", {}, blind=(unseen,)).blind == unseen


@EVERY
def test_a_default_can_be_told_of(check):
    """Each of them demands something."""
    assert check.default not in {Policy(), None}
