"""Totals: folding, adding over partitions, subtracting over time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.histogram import Histogram
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import UNKNOWN

from .conftest import make_columns

counts = st.integers(0, 2**40)
names = st.dictionaries(st.sampled_from(["a", "b", "c"]), counts)


def histograms():
    """Histograms of a few ages."""
    return st.lists(st.integers(0, 10**9), max_size=8).map(folded)


def folded(ages):
    """A histogram of these ages."""
    histogram = Histogram()
    histogram.fold(np.array(ages, dtype=np.int64))
    return histogram


BY_TYPE = {"int": counts, "Histogram": histograms(), "dict[str, int]": names}
BY_TYPE["dict[str, GroupTotals]"] = st.dictionaries(
    st.sampled_from(["g", "h"]),
    st.builds(GroupTotals, committed=counts, aged=histograms(), reprocessed=counts, unaged=counts),
)
totals = st.builds(Totals, **{f.name: BY_TYPE[f.type] for f in fields(Totals)})


@given(totals, totals, totals)
def test_addition_is_a_sum(a, b, c):
    """Order does not matter and an empty table adds nothing."""
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Totals() == a


@given(st.lists(totals, max_size=4))
def test_the_sum_of_many_is_one_after_the_other(tables):
    """Also of none and of one."""
    added = Totals()
    for table in tables:
        added = added + table
    assert Totals.sum(iter(tables)) == added


@given(totals, totals)
def test_subtraction_undoes_addition(earlier, more):
    """What came since is what was added, but for names that count nothing."""
    difference = (earlier + more) - earlier
    assert earlier + difference == earlier + more
    for field in fields(Totals):
        if not field.type.startswith("dict"):
            assert getattr(difference, field.name) == getattr(more, field.name)


@given(totals, totals)
def test_results_share_nothing_with_their_sources(a, b):
    """Growing a source changes no sum, difference or copy made from it."""
    made = [a.copy(), a + b, (a + b) - b, Totals.sum([a])]
    before = deepcopy(made)
    for source in (a, b):
        source.records += 1
        source.arrival_ages.fold(np.array([7]))
        source.event_times["a"] = source.event_times.get("a", 0) + 1
        source.fold_commit("g", 3)
        source.groups["g"].aged.fold(np.array([7]))
    assert made == before


@pytest.mark.parametrize("field", [f.name for f in fields(Totals)])
def test_no_field_may_shrink(field):
    """Subtracting a greater value is refused and names the field."""
    histograms = {"arrival_ages", "death_ages", "append_to_death"}
    greater = {"groups": {"g": GroupTotals(committed=1)}}.get(
        field, {"x": 1} if field.endswith(("times", "contexts")) or field == "causes" else 1
    )
    if field in histograms:
        greater = folded([5])
    with pytest.raises(ValueError, match="later state" if field in histograms else field):
        Totals() - Totals(**{field: greater})


def test_a_shrinking_count_inside_a_dict_is_named():
    """The path to the field is told."""
    with pytest.raises(ValueError, match=r"^groups\.g\.committed: 1 is less than 2; t"):
        Totals(groups={"g": GroupTotals(1)}) - Totals(groups={"g": GroupTotals(2)})
    with pytest.raises(ValueError, match=r"^event_times\.header: 1 is less than 2; t"):
        Totals(event_times={"header": 1}) - Totals(event_times={"header": 2})
    with pytest.raises(ValueError, match=r"^records: 1 is less than 2; totals never shrink$"):
        Totals(records=1) - Totals(records=2)
    with pytest.raises(ValueError, match=r"^groups: \['a', 'b'\] would disappear; totals never sh"):
        Totals() - Totals(groups={"b": GroupTotals(), "a": GroupTotals()})


def test_live_records_are_aged_by_receipt():
    """CreateTime and live: receipt stands in for the append time."""
    told = Totals()
    ages = told.fold(make_columns([9_000, 10_000], received_ms=10_000))
    assert ages.ages_ms.tolist() == [1_000, 0]
    assert ages.rows.tolist() == [0, 1]
    assert (told.records, told.unaged, told.negative, told.bytes) == (2, 0, 0, 14)
    assert told.arrival_ages == folded([1_000, 0])
    assert ages.positions.tolist() == [80, 0]


def test_append_time_ages_also_what_is_not_live():
    """LogAppendTime is exact also on replay, and wins over receipt."""
    for live in (True, False):
        told = Totals()
        ages = told.fold(make_columns([9_000], append_ms=[9_500], received_ms=10_000, live=live))
        assert ages.ages_ms.tolist() == [500]


def test_what_cannot_be_aged_is_counted_and_not_invented():
    """Replayed CreateTime records and records without event time are unaged."""
    told = Totals()
    assert told.fold(make_columns([9_000, 9_001], live=False)).rows.tolist() == []
    ages = told.fold(make_columns([UNKNOWN, 9_000], first_offset=2))
    assert ages.rows.tolist() == [1]
    assert (told.records, told.unaged, told.arrival_ages.count) == (4, 3, 1)
    assert told.event_times == {"header": 3, "none": 1}


def test_clock_skew_is_counted_and_enters_as_zero():
    """A negative age is one of the ages, at 0."""
    told = Totals()
    ages = told.fold(make_columns([10_001, 10_000, 9_999]))
    assert ages.ages_ms.tolist() == [0, 0, 1]
    assert (told.negative, told.unaged, told.arrival_ages.sum_ms) == (1, 0, 1)
    told.fold(make_columns([10_002, 9_999], first_offset=3))
    assert (told.records, told.bytes, told.negative, told.arrival_ages.sum_ms) == (5, 35, 2, 2)


def test_sources_traces_and_refusals_are_counted_by_name(context):
    """Every named count of the columns arrives in the table, zeros do not."""
    told = Totals()
    unsampled = context[:-2] + b"00"
    told.fold(
        make_columns(
            [1, 2, 3],
            source=3,
            contexts=[context, unsampled, None],
            rejected_contexts={"bad": 2, "worse": 0},
            unreadable_event_times={"header": 1},
        )
    )
    told.fold(make_columns([4], first_offset=3, source=1, rejected_contexts={"bad": 1}))
    assert told.event_times == {"record": 3, "pointer": 1}
    assert (told.traced, told.sampled) == (2, 1)
    assert told.rejected_contexts == {"bad": 3}
    assert told.unreadable_event_times == {"header": 1}


def test_an_empty_poll_changes_nothing():
    """Columns without records are folded like any other."""
    told = Totals()
    assert told.fold(make_columns([])).rows.tolist() == []
    assert told == Totals()


def test_dead_letters_are_not_records_of_the_stream():
    """A dead letter topic counts into its own field only."""
    told = Totals()
    told.fold_dead_letters(2, 1)
    told.fold_dead_letters(1, 0)
    assert told == Totals(dead_letters=3, retrying=1)


def test_deaths_are_counted_where_they_are_known():
    """A record that dies before it was appended, by other clocks, enters as 0."""
    told = Totals()
    told.fold_deaths([5_000, -3], [])
    told.fold_deaths([1_000], [200])
    assert (told.death_ages.count, told.death_ages.sum_ms) == (3, 6_000)
    assert (told.append_to_death.count, told.append_to_death.sum_ms) == (1, 200)


def test_commits_add_up_per_group():
    """Advances of one group accumulate; another group has its own."""
    told = Totals()
    told.fold_commit("g", 0)
    told.fold_commit("g", 5)
    told.fold_commit("g", 2)
    told.fold_commit("h", 1)
    assert told.groups == {"g": GroupTotals(7), "h": GroupTotals(1)}
