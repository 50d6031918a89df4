"""The fixed histogram layout, against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.histogram import (
    FIRST_INDEX,
    OVER,
    REGULAR,
    SCALE,
    SIZE,
    UNDER,
    UPPER_BOUNDS_MS,
    Histogram,
    positions,
    upper_bound_ms,
)

ages = st.lists(st.integers(0, 2**40), max_size=60)


def exact_position(age_ms: int) -> int:
    """The position by the definition: 2**(i/8) < age in seconds <= 2**((i+1)/8)."""
    eighth_power = Fraction(age_ms, 1000) ** 8
    for position in range(OVER):
        if eighth_power <= Fraction(2) ** (FIRST_INDEX + position):
            return position
    return OVER


def of(values):
    """A histogram of these ages."""
    histogram = Histogram()
    histogram.fold(np.array(values, dtype=np.int64))
    return histogram


def test_every_bound_is_exact():
    """Each bound and its next millisecond lie on the right sides, all 225 of them."""
    bounds = [upper_bound_ms(position) for position in range(OVER)]
    assert bounds == UPPER_BOUNDS_MS.tolist()
    assert len(bounds) == OVER == REGULAR + 1
    for position, bound in enumerate(bounds):
        limit = Fraction(1000) ** 8 * Fraction(2) ** (FIRST_INDEX + position)
        assert Fraction(bound) ** 8 <= limit < Fraction(bound + 1) ** 8


@pytest.mark.parametrize(
    ("age_ms", "position", "why"),
    [
        (0, UNDER, "zero is below 2**-10 s"),
        (1, 1, "1 ms lies in (2**-10, 2**(-79/8)] s"),
        (1000, 80, "a power of two belongs to the bucket that it closes"),
        (1001, 81, "and what is greater to the next"),
        (262_144_000, REGULAR, "2**18 s is the last regular age"),
        (262_144_001, OVER, "a millisecond more is above the layout"),
        (2**20 - 1, 161, "the last age of the look-up table"),
        (2**20, 161, "and the first beyond it"),
        (2**60, OVER, "any age has a place"),
    ],
)
def test_position_of_an_age(age_ms, position, why):
    """Ages land where the bucket rule says."""
    assert positions(np.array([age_ms])).tolist() == [position], why


@given(ages)
def test_positions_agree_with_the_definition(values):
    """Looking up is the same as the rule in exact fractions, also above the look-up table."""
    found = positions(np.array(values, dtype=np.int64)).tolist()
    assert found == [exact_position(value) for value in values]


@given(ages, ages)
def test_adding_is_folding_both(left, right):
    """Histogram of all = sum of histograms; subtracting gives back the other one."""
    both = of(left) + of(right)
    assert both == of(left + right)
    assert both - of(left) == of(right)
    assert both.count == len(left) + len(right)
    assert both.sum_ms == sum(left) + sum(right)


def test_fold_counts_into_the_same_histogram():
    """A second fold adds to the first and leaves a copy alone."""
    histogram = of([5])
    copy = histogram.copy()
    histogram.fold(np.array([5, 0]))
    assert (histogram.count, histogram.sum_ms, histogram.counts[UNDER]) == (3, 10, 1)
    assert (copy.count, copy.sum_ms) == (1, 5)
    assert copy != histogram


def test_a_sum_does_not_wrap_around():
    """Ages of broken clocks add up beyond 64 bits; a sum that shrank would be no total."""
    values = [2**63 - 1, 2**63 - 1, 2**40, 2**32 + 1, 3]
    histogram = of(values)
    histogram.fold(np.array(values))
    assert (histogram.count, histogram.sum_ms) == (10, 2 * sum(values))


def test_what_was_told_is_never_changed_in_place():
    """Copies share their counts, so folding makes new ones; nobody can write into the empty one."""
    histogram = of([5])
    counts = histogram.copy().counts
    before = counts.copy()
    histogram.fold(np.array([5]))
    assert counts.tolist() == before.tolist()
    with pytest.raises(ValueError, match="read-only"):
        Histogram().counts[3] += 1


def test_only_a_later_state_can_be_subtracted_from():
    """A shrinking bucket or a shrinking sum is refused, never clipped."""
    for later, earlier in [([5], [5, 900]), ([65], [66]), ([900], [5]), ([900, 900], [5])]:
        with pytest.raises(
            ValueError, match=r"^a histogram can only be subtracted from a later state of itself$"
        ):
            of(later) - of(earlier)
    assert (of([65]) - of([65])).count == 0


def test_a_histogram_is_not_equal_to_something_else():
    """Equality is for histograms only."""
    assert (of([1]) == 1) is False
    assert of([1]) != of([1, 1])
    assert of([65]) != of([66])
    assert of([10, 30]) != of([20, 20])


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([], 0.5, None),
        ([0, 0], 0.99, 0.0),
        ([2**50], 0.5, 2.0**18),
        ([0, 1000], 0.5, 0.0),
        ([0, 1000], 0.51, 2 / (1 + 2 ** (1 / 8))),
        ([0, 0, 1000], 1.0, 2 / (1 + 2 ** (1 / 8))),
        ([1000] * 99 + [0], 0.01, 0.0),
        ([1000], 1e-9, 2 / (1 + 2 ** (1 / 8))),
    ],
)
def test_quantile_of_few(values, q, expected):
    """Rank, lowest bucket, top end and the empty histogram."""
    found = of(values).quantile_seconds(q)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


@given(st.lists(st.integers(1, 262_144_000), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_at_most_4_4_percent_off(values, q):
    """Against the exact order statistic; 1 ms ages may be rounded up to the bucket's span."""
    exact = sorted(values)[max(1, int(np.ceil(q * len(values)))) - 1] / 1000
    assert of(values).quantile_seconds(q) == pytest.approx(exact, rel=0.0436)


def test_size_is_what_the_layout_says():
    """224 regular buckets, one below, one above; a second ends one, and 2**SCALE more double it."""
    assert (SIZE, Histogram().counts.shape) == (226, (226,))
    assert UPPER_BOUNDS_MS[[80, 80 + 2**SCALE, 80 + 2 * 2**SCALE]].tolist() == [1000, 2000, 4000]
    for each in (Histogram(), of([1]), of([1]) + of([2]), of([1]) - of([1])):
        assert each.counts.dtype == np.int64
