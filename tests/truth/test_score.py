"""How far from the truth a value is: tables of what holds and of what is off by one."""

from __future__ import annotations

import math

import pytest

from . import score
from .passing import Age, Passed
from .timeline import NOTHING, Reading, Stretch

ONE = Reading((1, 1), caught_up=False, first_event=(90.0, 90.0))
FOUR = Reading((4, 4), caught_up=False, first_event=(70.0, 75.0))
NONE = Reading((0, 0), caught_up=True)
PERHAPS = Reading((0, 1), caught_up=True, first_event=(99.0, 99.0))

LAGS = [
    ([ONE], 1, 0),
    ([ONE], 2, 1),
    ([ONE], 0, 1),
    ([ONE, FOUR], 4, 0),
    ([ONE, FOUR], 3, 1),  # never true: two lags do not make those between them true
    ([ONE, FOUR], 2, 1),
    ([PERHAPS], 0, 0),
    ([PERHAPS], 1, 0),
    ([NOTHING, ONE], 1, 0),
    ([NOTHING], 1, math.inf),
]


@pytest.mark.parametrize(("readings", "told", "distance"), LAGS)
def test_lag(readings, told, distance):
    """The distance to the nearest lag that may have been true."""
    assert score.lag_error([Stretch(100, 101, tuple(readings))], told).distance == distance


@pytest.mark.parametrize(("told", "distance"), [(3, 1), (4, 0), (9, 0)])
def test_lag_that_may_overstate(told, distance):
    """It is never below the truth."""
    window = [Stretch(100, 101, (FOUR,))]
    assert score.lag_error(window, told, may_overstate=True).distance == distance


TIME_LAGS = [
    ([ONE], 10.0, 0),
    ([ONE], 11.0, 0),
    ([ONE], 9.75, 0.25),
    ([ONE], 11.5, 0.5),
    ([ONE], 0.0, 10.0),
    ([FOUR], 25.0, 0),
    ([FOUR], 31.0, 0),
    ([FOUR], 32.0, 1.0),
    ([NONE], 0.0, 0),
    ([NONE], 0.5, 0.5),
    ([PERHAPS], 0.0, 0),
    ([PERHAPS], 0.5, 0.5),
    ([PERHAPS], 1.5, 0),
    ([NOTHING], 1.0, math.inf),
    ([Reading((1, 1), caught_up=False, first_event=(100.5, 100.5))], 0.0, 0),  # of the future
    ([Reading((1, 1), caught_up=False, first_event=(100.5, 100.5))], 0.5, 0),
    ([Reading((1, 1), caught_up=False, first_event=(100.5, 100.5))], 1.0, 0.5),
]


@pytest.mark.parametrize(("readings", "told", "distance"), TIME_LAGS)
def test_time_lag(readings, told, distance):
    """The distance to the nearest time lag that may have been true between 100 s and 101 s."""
    window = [Stretch(100, 101, tuple(readings))]
    assert score.time_lag_error(window, told).distance == pytest.approx(distance)


@pytest.mark.parametrize(("readings", "right"), [([ONE], False), ([ONE, NOTHING], True)])
def test_silence(readings, right):
    """It is right where at some moment there was nothing to tell."""
    assert score.silence_is_right([Stretch(100, 101, tuple(readings))]) is right


AGES = Passed(
    aged=[Age(each, each + 1.2) for each in (1.0, 2.0, 3.0, 4.0)],
    unwatched=[Age(0.5, 1.7), Age(8.0, 9.2)],
    optional=[Age(5.0, 6.2)],
)


@pytest.mark.parametrize(("told", "error"), [(5, -1), (6, 0), (7, 0), (8, 1)])
def test_counted(told, error):
    """What was unwatched has to be counted; what is optional may be."""
    assert score.counted_error(AGES, told) == error


def test_ages_of_so_many():
    """Beyond those that are sure the least and the greatest of the others are taken."""
    lo, hi = score.ages_told(AGES, 5)
    assert lo == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert hi == pytest.approx([2.2, 3.2, 4.2, 5.2, 9.2])


@pytest.mark.parametrize(
    ("told", "error"), [(10.0, 0), (14.8, 0), (9.0, -0.992), (15.0, 0.192), (18.8, 3.992)]
)
def test_sum(told, error):
    """A band of four ages from their least to their greatest, less and more for rounding."""
    lo, hi = score.ages_told(AGES, 4)
    assert score.sum_error(lo, hi, told) == pytest.approx(error)


@pytest.mark.parametrize(
    ("told", "inside"), [(2.0, True), (1.84, True), (1.8, False), (4.2, True), (4.7, False)]
)
def test_quantile(told, inside):
    """The median of four lies between 2 and 4.2, and a bucket more."""
    lo, hi = score.ages_told(AGES, 4)
    assert (score.quantile_error(lo, hi, 0.5, told) == 0) is inside


def histogram(*ages):
    """A histogram as the gauge tells it."""
    counts = [0] * 225
    zero = 0
    for age in ages:
        if age <= 2**-10:
            zero += 1
        else:
            counts[math.ceil(8 * math.log2(age)) - 1 + 80] += 1
    return {"count": len(ages), "zero_count": zero, "offset": -80, "bucket_counts": counts}


BUCKETS = [
    ([1.5, 2.5, 3.5, 4.5], 0),
    ([1.05, 2.1, 3.1, 4.1], 0),
    ([0.8, 2.5, 3.5, 4.5], 1),  # younger than in truth
    ([1.5, 2.5, 3.5, 6.2], 1),  # older than poll and 0.2 s explain
    ([2.5, 3.5, 4.5, 5.5], 3),  # each a poll interval too old; the fourth hides in its bucket
    ([0.0, 0.0, 3.5, 4.5], 2),
]


@pytest.mark.parametrize(("ages", "outside"), BUCKETS)
def test_buckets(ages, outside):
    """Ages that are not where they may be are found, as far as buckets tell them apart."""
    sure = Passed(aged=AGES.aged)
    assert bool(score.outside_buckets(sure, histogram(*ages))) is bool(outside)
