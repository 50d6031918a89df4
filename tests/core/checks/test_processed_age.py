"""`processed_age`: the last window's 99th percentile of what the group passed."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.processed_age import PROCESSED_AGE
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import Blind

AWAY = Blind("group a", 5, "not allowed to see it")
TOPIC_AWAY = Blind("topic orders", 6, "broker away")
SLOW = "the 99th percentile of the processed ages of a is 61.229 s"
QUICK = "the 99th percentile of the processed ages of a is 1.913 s"
NOTHING = "a passed no record in the last window"


def window(completeness=1.0, **groups):
    """A window in which these groups passed records of these ages, and as many of unknown age."""
    totals = Totals()
    for name, (ages_ms, unaged) in groups.items():
        totals.groups[name] = GroupTotals(unaged=unaged)
        totals.groups[name].aged.fold(np.array(ages_ms, dtype=np.int64))
    return Window(940_000, 1_000_000, totals, completeness)


LATE = ([2_000] * 98 + [60_000] * 2, 0)
UNSEEN = Blind("topic orders", 940_000, "a part of the partitions was not seen in the last window")


@pytest.mark.parametrize(
    ("last_window", "told", "value", "text", "blind"),
    [
        (window(a=LATE), (), 61.229, SLOW, None),
        (window(a=([2_000] * 99 + [60_000], 0)), (), 1.913,
         QUICK, None),
        (window(a=(LATE[0], 7)), (), 61.229, SLOW,
         Blind("group a", 940_000, "the age of 7 of 107 records is not known")),
        (window(a=([2_000] * 99, 1)), (), 1.913, QUICK,
         Blind("group a", 940_000, "the age of 1 of 100 records is not known")),
        (window(a=([2_000] * 100, 1)), (), 1.913, QUICK, None),
        (window(), (), None, NOTHING, None),
        (window(b=LATE), (), None, NOTHING, None),
        (window(a=([], 1_200)), (), None, NOTHING,
         Blind("group a", 940_000, "the age of 1,200 of 1,200 records is not known")),
        (window(a=([], 1_200)), (AWAY,), None, NOTHING, AWAY),
        (window(a=LATE), (AWAY,), 61.229, SLOW, AWAY),
        (window(0.5, a=LATE), (), 61.229, SLOW, UNSEEN),
        (window(0.5), (TOPIC_AWAY,), None, NOTHING, TOPIC_AWAY),
        (None, (), None, "the processed ages of a are not known",
         Blind("topic orders", 7, "the first window has not ended yet")),
    ],
)  # fmt: skip
def test_measure(group, measure, last_window, told, value, text, blind):
    """Of records without age nothing is known: 1 in 100 of them is too many to pass."""
    measured = measure(PROCESSED_AGE, "a", {"a": group()}, last_window=last_window, blind=told)
    assert measured.value == (None if value is None else pytest.approx(value, abs=0.001))
    assert (measured.text, measured.blind) == (text, blind)


@pytest.mark.parametrize(
    ("ages_ms", "unaged", "level"),
    [([400_000], 99, "fail"), ([2_000], 99, "unknown"), ([2_000] * 101, 1, "pass")],
)
def test_what_is_late_fails_though_of_others_nothing_is_known(
    group, measure, ages_ms, unaged, level
):
    """And what is not, does not pass on the strength of a few."""
    last = window(a=(ages_ms, unaged))
    measured = measure(PROCESSED_AGE, "a", {"a": group()}, last_window=last)
    policy = Policy(fail=Limit(above=300))
    standing = judge(PROCESSED_AGE, policy, measured, first_standing(0), 0)
    assert standing.level.value == level


def test_a_group_whose_ages_are_not_kept_cannot_pass(group, measure):
    """Whatever its window holds, nothing is known."""
    told = {"last_window": window(), "groups_without_ages": frozenset("a")}
    measured = measure(PROCESSED_AGE, "a", {"a": group()}, **told)
    assert (measured.value, measured.text) == (None, "the processed ages of a are not known")
    assert measured.blind == Blind("group a", 7, "its processed ages are not kept")
    away = measure(PROCESSED_AGE, "a", {"a": group()}, blind=(AWAY,), **told)
    assert away.blind == AWAY
    assert measure(PROCESSED_AGE, "b", {"b": group()}, **told).blind is None


def test_a_pattern_is_as_slow_as_its_slowest_group(group, measure):
    """One that passed nothing is not the slowest."""
    groups = dict.fromkeys(("a", "b", "c"), group())
    last = window(a=LATE, b=([100], 0))
    assert measure(PROCESSED_AGE, "*", groups, last_window=last).text == SLOW
