"""Splits of histograms: they come back, cost what was computed, and forged ones are refused."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.histogram import SIZE
from streamgauge.core.state.halving import LEVELS, read, written
from streamgauge.core.state.limits import AGES, GUARANTEED_AGES

from .bounds import greatest_split_bits
from .conftest import histograms, unhurried


def rows(*tables):
    """Tables as int64[h, SIZE]."""
    return np.array(tables, dtype=np.int64)


def single(position, count):
    """A table with one bucket."""
    table = [0] * SIZE
    table[position] = count
    return table


def test_the_tree_of_buckets():
    """Pairs, pairs of pairs and so on: one split less than there are buckets."""
    assert LEVELS == (2, 4, 8, 15, 29, 57, 113, 226)
    assert sum(size // 2 for size in LEVELS) == SIZE - 1


def test_bit_by_bit():
    """The left half of each node that holds something, in as many bits as the node has."""
    # Bucket 0 holds 2 of 3, bucket 1 the third: 11 on seven levels, at the last 10 (two).
    table = [2, 1] + [0] * (SIZE - 2)
    assert written(rows(table)).hex() == "fffe"
    # The last bucket is never on the left; on the four levels of odd size it has no sibling.
    assert written(rows(single(SIZE - 1, 1))).hex() == "00"
    assert written(rows([0] * SIZE)) == b""
    # Two histograms take turns: 10 10 10, on the odd levels 1 of the first alone, then 1 0.
    assert written(rows(single(0, 1), single(SIZE - 1, 1))).hex() == "abe0"


@unhurried
@given(st.lists(histograms(ages=AGES), min_size=1, max_size=6))
def test_counts_come_back(some):
    """Of any number of histograms at once."""
    counts = rows(*(each.counts for each in some))
    data = written(counts)
    back = read(counts.sum(axis=1), data)
    assert back.dtype == np.int64
    assert np.array_equal(back, counts)


@pytest.mark.parametrize("bits", [1, 2, 52, 53])
def test_counts_around_powers_of_two_come_back(bits):
    """Where the length of a number changes, up to the greatest that a histogram may hold."""
    for total in (2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) + 1):
        for part in (0, 1, total // 2, total - 1, total):
            counts = rows([part, *[0] * (SIZE - 2), total - part])
            assert np.array_equal(read(counts.sum(axis=1), written(counts)), counts)


@unhurried
@given(histograms())
def test_no_histogram_costs_more_than_was_computed(histogram):
    """Whatever its ages: the computed greatest cost holds."""
    data = written(rows(histogram.counts))
    ages = max(1, histogram.count)
    assert 8 * len(data) - 7 <= greatest_split_bits(ages)


def test_the_computed_greatest_cost_is_reached_and_is_what_is_said():
    """A histogram of equal powers of two comes near it, and the formula of the module bounds it."""
    full = rows([2**32] * SIZE)
    greatest = greatest_split_bits(GUARANTEED_AGES - 1)
    assert full.sum() < GUARANTEED_AGES
    assert 0.975 * greatest < 8 * len(written(full)) <= greatest
    pairs = [size // 2 for size in LEVELS]
    for bits in (10, 32, 40, 53):
        formula = sum(m * (bits + 1 - log2(m)) for m in pairs)
        assert greatest_split_bits(2**bits - 1) <= formula
        assert formula <= 225 * (bits + 1) - 1313


@pytest.mark.parametrize(
    ("totals", "data", "why"),
    [
        ([3], b"", "there are 0 bytes of splits where it takes"),
        ([3], b"\xff", "there are 1 bytes of splits where it takes"),
        ([3], b"\xff\xfe\x00", "there are 3 bytes of splits where it takes 2"),
        ([0], b"\x00", "there are 1 bytes of splits where it takes 0"),
        ([2], b"\xff\xff", "a part is greater than its whole"),
    ],
)
def test_forged_splits_are_refused(totals, data, why):
    """Too short, too long, and parts that exceed their whole."""
    with pytest.raises(ValueError, match=f"^{why}"):
        read(np.array(totals), data)


@given(st.lists(st.integers(0, AGES - 1), min_size=1, max_size=3), st.binary(max_size=80))
def test_any_bytes_give_counts_of_these_totals_or_are_refused(totals, data):
    """No bytes make a count negative or lose one."""
    try:
        counts = read(np.array(totals), data)
    except ValueError:
        return
    assert counts.min() >= 0
    assert counts.sum(axis=1).tolist() == totals
