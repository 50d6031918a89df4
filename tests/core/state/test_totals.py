"""Between totals and a state: nothing is lost on the way, and nobody loses a place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.histogram import Histogram
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.limits import AGED_GROUPS, COUNTED_GROUPS
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS
from streamgauge.core.state.partition_state import Cause, GroupState, ProcessedAges
from streamgauge.core.state.totals import cause_names, groups_by_name, of_totals, totals_of
from streamgauge.core.totals import GroupTotals, Totals

from .conftest import (
    bell,
    counts,
    full_of_deaths,
    full_state,
    histograms,
    keys,
    named,
    numbers,
    planted,
    unhurried,
)

GROUPS = ["billing", "search", "fraud", "a", "b", "c"]
of_any = {
    **dict.fromkeys(COUNTERS, counts),
    **{table: named(names) for table, names in NAMED_COUNTS.items()},
}
deaths = st.builds(
    Totals,
    **of_any,
    retrying=counts,
    causes=st.dictionaries(keys, counts, max_size=5),
    other_causes=counts,
    death_ages=histograms(),
    append_to_death=histograms(),
)
totals = st.builds(
    Totals,
    **of_any,
    arrival_ages=histograms(),
    groups=st.dictionaries(
        st.sampled_from(GROUPS),
        st.builds(
            GroupTotals, committed=numbers, aged=histograms(), reprocessed=counts, unaged=counts
        ),
    ),
)


def aged(ages):
    """Totals of a group with these ages."""
    histogram = Histogram()
    histogram.fold(np.array(ages))
    return GroupTotals(committed=len(ages), aged=histogram)


@unhurried
@given(totals, st.lists(st.sampled_from(GROUPS), unique=True, max_size=AGED_GROUPS))
def test_totals_come_back(totals, aged_groups):
    """Through the text, but for ages of groups whose ages are not kept."""
    aged_to = dict.fromkeys(totals.groups, 5)
    made = of_totals(totals, planted(), 777, {}, aged_to, takers=aged_groups)
    assert made.groups_without_place == ()
    state = decode(encode(made.state).text, 777)
    back = totals_of(state, GROUPS)
    for name, group in totals.groups.items():
        kept = name in aged_groups
        assert (name in made.groups_without_ages) == (not kept)
        assert (state.groups[group_key(name)].processed is not None) == kept
        if not kept:
            group.aged, group.reprocessed, group.unaged = Histogram(), 0, 0
    assert back == totals


@unhurried
@given(deaths, st.sampled_from([None, "billing"]))
def test_totals_of_deaths_come_back(totals, group):
    """And the groups of their causes, as far as they are known by name."""
    causes = {key: CauseName(key, group, "InvalidSku", "sku <n>") for key in totals.causes}
    made = of_totals(totals, planted(), 777, {}, causes=causes)
    state = decode(encode(made.state).text, 777)
    assert totals_of(state, []) == totals
    names = {key: CauseName(key, group, "InvalidSku", None) for key in totals.causes}
    assert cause_names(state, ["search", "billing"]) == names


def test_a_cause_keeps_its_group_while_nobody_knows_its_name():
    """As a group does, and it may be told once it is known."""
    before = full_of_deaths()
    nobody = cause_names(before, [])
    assert {name.consumer_group for name in nobody.values()} == {None}
    totals = totals_of(before, [])
    made = of_totals(totals, before, before.position, {}, causes=nobody)
    assert made.state == before
    (of_nobody,) = (key for key, cause in before.causes.items() if cause.group is None)
    found = nobody | {of_nobody: nobody[of_nobody]._replace(consumer_group="search")}
    cause = of_totals(totals, before, before.position, {}, causes=found).state.causes[of_nobody]
    assert cause == Cause("Zeitüberschreitung", 1, group_key("search"))


def test_all_that_totals_do_not_tell_is_kept():
    """Identity, causes, lags, how far a group is aged; positions and commits are the new ones."""
    before = full_state()
    billing = group_key("billing")
    totals = totals_of(before, ["billing", "search", "fraud"])
    totals.records += 1
    totals.groups["billing"].aged.fold(np.array([250]))
    aged_to = {"billing": before.groups[billing].processed.aged_to}
    commits, causes = {"billing": 9_999_999_999}, cause_names(before, [])
    made = of_totals(totals, before, before.position + 1, commits, aged_to, causes=causes)
    aged_to = {"billing": 9_876_000_001}
    further = of_totals(totals, before, before.position + 1, {}, aged_to, causes=causes)
    assert further.state.groups[billing].processed.aged_to == 9_876_000_001
    for name in ("topic_id", "life", "writer", "version", "as_of_ms", "causes", "present_lags"):
        assert getattr(made.state, name) == getattr(before, name)
    assert made.state.position == before.position + 1
    assert made.state.records == before.records + 1
    group = made.state.groups[billing]
    assert group.highest_commit == 9_999_999_999
    assert group.processed.ages.count == before.groups[billing].processed.ages.count + 1
    assert group.processed._replace(ages=0) == before.groups[billing].processed._replace(ages=0)
    assert made.state.groups[group_key("search")] == before.groups[group_key("search")]
    assert before == full_state()


def test_a_group_that_nobody_knows_stays_as_it_is():
    """Its name may be found again, and what it had counted must not have shrunk."""
    before = full_state()
    totals = totals_of(before, ["search"])
    assert list(totals.groups) == ["search"]
    made = of_totals(totals, before, before.position, {}, causes=cause_names(before, []))
    assert made.state.groups == before.groups
    assert list(groups_by_name(made.state, ["fraud", "nobody"])) == ["fraud"]


def test_totals_of_a_state_grow_on_their_own():
    """Folding on changes no state that was read."""
    before = full_state()
    totals = totals_of(before, ["billing"])
    totals.event_times["header"] += 1
    totals.arrival_ages.fold(np.array([1]))
    totals.groups["billing"].aged.fold(np.array([1]))
    assert before == full_state()
    before = full_of_deaths()
    totals_of(before, []).fold_deaths([1], [2])
    assert before == full_of_deaths()


def test_places_are_taken_once_and_never_lost():
    """First come, first served, the groups whose ages are wanted first of all."""
    wanted = [f"aged-{n}" for n in range(AGED_GROUPS + 1)]
    others = [f"counted-{n}" for n in range(COUNTED_GROUPS)]
    totals = Totals(groups={name: aged([5]) for name in (*others, *wanted)})
    aged_to = dict.fromkeys(totals.groups, 9)
    made = of_totals(totals, planted(), 100, {}, aged_to, takers=wanted)
    assert made.groups_without_place == ("counted-15",)
    assert made.groups_without_ages == ("aged-5", *others[:-1])
    again = of_totals(totals, made.state, 101, {}, aged_to, takers=["aged-5", *others, *wanted])
    assert again.state.groups == made.state.groups
    assert again.groups_without_place == ("counted-15",)


def test_who_has_a_place_is_aged_as_far_as_it_is_aged():
    """Also if others come first this time: else it would be counted again after a restart."""
    names = [f"g-{n}" for n in range(AGED_GROUPS)]
    totals = Totals(groups={name: aged([5]) for name in names})
    before = of_totals(totals, planted(), 100, {}, dict.fromkeys(names, 1), takers=names).state
    more = Totals(groups={name: aged([5, 7]) for name in ["new", *names]})
    made = of_totals(more, before, 100, {}, dict.fromkeys(more.groups, 2), takers=["new"])
    done = [made.state.groups[group_key(name)].processed for name in names]
    assert {(each.aged_to, each.ages.count) for each in done} == {(2, 2)}
    assert made.groups_without_ages == ("new",)


def test_a_group_whose_commits_were_not_seen_again_stays_as_it_is():
    """Nothing was aged since it was stored."""
    ages = ProcessedAges(40, aged([5]).aged, 1, 2)
    before = planted(groups={group_key("billing"): GroupState(50, 1, ages)})
    totals = totals_of(before, ["billing"])
    assert of_totals(totals, before, 100, {}).state.groups == before.groups


def test_ages_that_are_wanted_later_are_kept_from_then_on():
    """A group that was only counted moves up while there is room, and its place is free again."""
    totals = Totals(groups={"billing": aged([5])})
    before = of_totals(totals, planted(), 100, {"billing": 50}, {"billing": 40}).state
    assert before.groups == {group_key("billing"): GroupState(50, 1)}
    made = of_totals(totals, before, 100, {}, {"billing": 40}, takers=["billing"])
    kept = ProcessedAges(40, totals.groups["billing"].aged)
    assert made.state.groups == {group_key("billing"): GroupState(50, 1, kept)}
    assert made.groups_without_ages == ()


def test_what_has_no_name_counts_as_other():
    """A source that this version does not know by name is not lost."""
    totals = Totals(event_times={"payload": 3, "header": 2, "other": 1, "record": 0})
    state = of_totals(totals, planted(), 100, {}).state
    assert state.event_times == {"other": 4, "header": 2}


def test_what_no_state_can_hold_is_refused():
    """Rather than written wrong."""
    with pytest.raises(ValueError, match="'counter': -1"):
        of_totals(Totals(records=-1), planted(), 100, {})
    assert of_totals(Totals(arrival_ages=bell(3, 9)), planted(), 100, {}).state.records == 0
