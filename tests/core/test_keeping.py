"""What stands in the slots is gone on from if it is of the newest life, and kept if it is own."""

from __future__ import annotations

from uuid import UUID

import pytest

from streamgauge.core.histogram import Histogram
from streamgauge.core.keeping import goes_on, grown, is_own, planted
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.partition_state import GroupState, ProcessedAges
from streamgauge.core.topic import Captured
from streamgauge.core.totals import GroupTotals, Totals

P0, P1, LETTERS = ("orders", 0), ("orders", 1), ("dlq", 0)


@pytest.mark.parametrize("forgotten", [[], [P0], [P0, P1]])
def test_without_a_state_nothing_goes_on(forgotten, state):
    """A state that was reset by hand is none."""
    assert goes_on({place: state(forgotten=True) for place in forgotten}) is None


def test_one_life_goes_on_with_all_its_states(state):
    """But for those that were reset by hand."""
    states = {P0: state(position=7), LETTERS: state(position=2)}
    found = goes_on({**states, P1: state("b", 9, life_start_ms=200_000, forgotten=True)})
    assert (found.life, found.life_start_ms) == ("a" * 16, 100_000)
    assert (found.states, found.positions) == (states, {})


def test_of_two_lives_the_one_that_began_later_goes_on(state):
    """Where it has not come to, its counting begins at the position of the life before."""
    new = state("a", 4, life_start_ms=200_000)
    old = state("f", 9, records=9, start_position=0)
    found = goes_on({P0: old, P1: new, LETTERS: old})
    assert (found.life, found.life_start_ms) == ("a" * 16, 200_000)
    assert (found.states, found.positions) == ({P1: new}, {P0: 9, LETTERS: 9})


def test_of_lives_that_began_together_every_process_chooses_the_same(state):
    """Whatever the order in which their states are found."""
    states = {P0: state("b", 3), P1: state("a", 5), LETTERS: state("b", 1)}
    for places in ([P0, P1, LETTERS], [LETTERS, P1, P0], [P1, P0, LETTERS]):
        found = goes_on({place: states[place] for place in places})
        assert (found.life, found.positions) == ("b" * 16, {P1: 5})


def test_slots_are_own_if_each_has_what_was_written_last(state):
    """Or what was written after that and may have been stored."""
    sent = {P0: state(version=5), P1: state(version=6)}
    doubtful = {P0: state(version=7)}
    assert is_own({P0: state(version=5), P1: state(version=6)}, sent, {})
    assert is_own({P0: state(version=5), P1: state(version=6)}, sent, doubtful)
    assert is_own({P0: state(version=7), P1: state(version=6)}, sent, doubtful)


@pytest.mark.parametrize(
    "stands",
    [
        {P0: {"version": 5}},
        {P0: {"version": 5}, P1: {"version": 6}, LETTERS: {"version": 1}},
        {P0: {"version": 4}, P1: {"version": 6}},
        {P0: {"version": 5}, P1: {"version": 6, "writer": "d" * 16}},
        {P0: {"version": 7, "writer": "d" * 16}, P1: {"version": 6}},
        {P0: {"version": 5}, P1: {"version": 7}},
    ],
    ids=["one gone", "one more", "older", "of another", "doubt of another", "never sent there"],
)
def test_slots_are_not_own_if_one_has_something_else(stands, state):
    """Somebody else has written, or what was written is gone."""
    sent = {P0: state(version=5), P1: state(version=6)}
    states = {place: state(**fields) for place, fields in stands.items()}
    assert not is_own(states, sent, {P0: state(version=7)})


def test_first_state_counts_nothing_from_its_position_on():
    """And is told by whom and for which life it was written."""
    topic_id = UUID(int=7)
    state = planted(topic_id, ("a" * 16, 100_000), 42, ("b" * 16, 3))
    assert (state.life, state.life_start_ms, state.topic_id) == ("a" * 16, 100_000, topic_id)
    assert (state.start_position, state.position, state.records) == (42, 42, 0)
    assert (state.writer, state.version, state.as_of_ms) == ("b" * 16, 3, None)
    assert decode(encode(state).text, 42) == state


def test_state_grows_from_the_one_that_is_stored(state):
    """What totals do not tell stays: the life, its start, and groups whose names are not known."""
    unknown = group_key("unknown")
    stored = state(
        position=10, records=4, groups={unknown: GroupState(8, 3)}, as_of_ms=1, last_record_ms=2
    )
    totals = Totals(
        records=6, dead_letters=1, groups={"g": GroupTotals(5, reprocessed=2, unaged=3)}
    )
    aged = ProcessedAges(10, Histogram(), 2, 3)
    captured = Captured("orders", 0, 9, 12, 105_000, totals, {"g": 11}, {"g": 10}, stored, ("g",))
    state = grown(captured, 104_000, ("c" * 16, 77)).state
    assert (state.life, state.start_position, state.position) == ("a" * 16, 10, 12)
    assert (state.records, state.dead_letters) == (6, 1)
    assert (state.as_of_ms, state.last_record_ms) == (105_000, 104_000)
    assert (state.writer, state.version) == ("c" * 16, 77)
    assert state.groups == {unknown: GroupState(8, 3), group_key("g"): GroupState(11, 5, aged)}
    assert decode(encode(state).text, 12) == state
