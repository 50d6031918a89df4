"""What stands in slots is told with its reason, and a mark of forgetting ends the life it names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.keeping import goes_on, planted
from streamgauge.core.state.codec import encode
from streamgauge.core.stored import StoredStream, stored_slot

OLD, NEW = ("0" * 16, 1_000), ("1" * 16, 2_000)
NOWHERE = ("f" * 16, 9_000)
WRITER, RESETTER = "a" * 16, "b" * 16


def state(position, life=NEW, records=0):
    """The state of a partition, read up to a position."""
    first = planted(None, life, position, (WRITER, 7))
    return replace(first, records=records)


def stream(*slots):
    """A stream whose topic has these slots: states, a text that stands at 5, or None."""
    committed = [
        None if each is None
        else (5, each) if isinstance(each, str)
        else (each.position, encode(each).text)
        for each in slots
    ]  # fmt: skip
    return StoredStream(tuple(stored_slot(("t", p), each) for p, each in enumerate(committed)))


def test_only_the_life_that_goes_on_is_summed_up():
    """A slot of an earlier life, one that cannot be read and an empty one add nothing."""
    seen = stream(state(10, records=10), state(20, records=5), state(3, OLD, records=3), "x", None)
    assert (seen.going.life, seen.totals["records"]) == (NEW[0], 15)
    assert [each.unreadable for each in seen.slots].count(None) == 4
    assert "not our mark" in seen.slots[3].unreadable
    assert (seen.slots[4].units, seen.slots[4].size_bytes) == (None, None)


def test_the_size_is_told_as_the_broker_limits_it_and_as_its_log_holds_it():
    """One unit and three bytes a character of ours; two units of one beyond the first plane."""
    slot = stored_slot(("t", 0), (5, "\u6cb3\U0001f600"))
    assert (slot.units, slot.size_bytes) == (3, 7)


def test_a_reset_marks_whatever_stands_there_at_the_same_position():
    """Also what cannot be read; all name the life they end, and no gauge takes them for its own."""
    seen = stream(state(10, records=10), state(3, OLD), "x", None)
    marks = seen.forgetting(NOWHERE, RESETTER)
    assert [(each.partition, each.offset) for each in marks] == [(0, 10), (1, 3), (2, 5)]
    assert {(each.state.life, each.state.writer) for each in marks} == {(NEW[0], RESETTER)}
    after = StoredStream(tuple(stored_slot(("t", m.partition), (m.offset, m.text)) for m in marks))
    assert all(each.state.forgotten for each in after.slots)
    assert (after.going, after.remembered, after.totals["records"]) == (None, (), 0)


def test_without_a_life_a_reset_names_one_that_nobody_has():
    """There is nothing to end, but what comes must not be taken for state."""
    (mark,) = stream("x").forgetting(NOWHERE, RESETTER)
    assert (mark.state.life, mark.state.forgotten) == (NOWHERE[0], True)


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_one_mark_that_was_stored_is_enough(stored):
    """The rest of a reset that was cut off: nothing goes on in the life that it ended."""
    seen = stream(state(10), state(20), state(30))
    states = {("t", each.partition): each.state for each in seen.slots}
    mark = seen.forgetting(NOWHERE, RESETTER)[stored].state
    assert goes_on(states).life == NEW[0]
    assert goes_on(states | {("t", stored): mark}) is None


def test_a_mark_that_is_left_over_does_not_end_the_life_that_came_after():
    """A partition that had no leader at the next start keeps its mark for a while."""
    seen = stream(state(10, OLD), state(20, OLD))
    _, left_over = seen.forgetting(NOWHERE, RESETTER)
    found = goes_on({("t", 0): state(40, NEW), ("t", 1): left_over.state})
    assert (found.life, set(found.states), found.positions) == (NEW[0], {("t", 0)}, {})
