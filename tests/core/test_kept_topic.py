"""One topic whose state is kept: what is stored is told, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamgauge.core.histogram import Histogram
from streamgauge.core.keeping import grown
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.partition_state import GroupState, ProcessedAges
from streamgauge.core.topic import FRESH_FOR_MS, Topic
from streamgauge.core.totals import GroupTotals, Totals

WRITER = "e" * 16
SEEN_MS = 5_000


@pytest.fixture
def topic(state):
    """A topic with partition 0, of which the first position 10 is stored."""
    made = Topic("orders", 1_000, kept=True)
    made.assigned({0: 10})
    made.planted(0, state(position=10))
    return made


def store(topic, number=0, groups=("g",), version=2):
    """Store what is there now, as the process does that counts."""
    captured = topic.captured(number)
    state = grown(captured, None, (WRITER, version)).state
    topic.settled(captured, state, groups)
    return state


def ages(*ages_ms):
    """A histogram of these ages."""
    histogram = Histogram()
    histogram.fold(np.array(ages_ms, dtype=np.int64))
    return histogram


def told(topic):
    """Position and records of the first partition as they are told."""
    view, *_ = topic.views()
    return view.next_offset, view.totals.records


def test_a_partition_is_told_once_its_first_position_is_stored(columns, state):
    """Before that there is nothing that another process could go on from."""
    topic = Topic("orders", 1_000, kept=True)
    topic.assigned({1: 0, 0: 10})
    topic.fold(columns([1, 2], first_offset=10))
    assert (topic.views(), topic.unstored()) == ((), (0, 1))
    assert (topic.captured(0), topic.is_due(0, 9_999_999)) == (None, False)
    topic.planted(0, state(position=10))
    (view,) = topic.views()
    assert (view.start_position, view.next_offset, view.totals) == (10, 10, Totals())
    assert (topic.unstored(), topic.start_position(1)) == ((1,), 0)
    assert topic.is_due(0, 0)


def test_what_is_counted_is_told_once_it_is_stored(topic, columns):
    """The position for reading goes ahead of the one that is told."""
    topic.fold(columns([1, 2], first_offset=10))
    assert (told(topic), topic.positions) == ((10, 0), {0: 12})
    store(topic)
    assert told(topic) == (12, 2)


def test_what_came_while_it_was_stored_is_told_the_next_time(topic, columns):
    """A captured state does not grow any more."""
    topic.fold(columns([1, 2], first_offset=10))
    topic.committed("g", 0, 11, SEEN_MS)
    captured = topic.captured(0)
    topic.fold(columns([1], first_offset=12))
    topic.committed("g", 0, 12, SEEN_MS)
    topic.settled(captured, grown(captured, None, (WRITER, 2)).state, ["g"])
    assert (told(topic), topic.is_due(0, 0)) == ((12, 2), True)
    assert topic.views()[0].totals.groups == {"g": GroupTotals(0)}
    store(topic, version=3)
    assert (told(topic), topic.is_due(0, 0)) == ((13, 3), False)
    assert topic.views()[0].totals.groups == {"g": GroupTotals(1, ages(SEEN_MS - 2))}


def test_a_view_that_was_told_is_the_same_until_more_is_stored(topic, columns):
    """What is only counted does not make another copy of what is stored."""
    topic.fold(columns([1], first_offset=10))
    store(topic)
    before = topic.views()[0].totals
    topic.fold(columns([1], first_offset=11))
    assert topic.views()[0].totals is before
    store(topic)
    assert (before.records, topic.views()[0].totals.records) == (1, 2)


def test_what_only_passes_is_stored_too(topic):
    """Lost and undecodable offsets, and offsets without a record."""
    for move in ({"lost": 1}, {"undecodable": 1}, {}):
        assert not topic.is_due(0, 0)
        position = topic.positions[0]
        if "undecodable" in move:
            topic.undecodable(0, position, 1)
        topic.passed(0, position + 1, lost=move.get("lost", 0))
        assert topic.is_due(0, 0)
        store(topic)
    assert told(topic) == (13, 0)
    assert (topic.views()[0].totals.lost, topic.views()[0].totals.undecodable) == (1, 1)


def test_an_idle_partition_is_due_when_its_state_is_old(topic):
    """Its as-of time has moved on though nothing was counted."""
    assert not topic.is_due(0, 9_000_000)
    topic.answered(0, 10, 50_000)
    assert topic.is_due(0, 1)
    store(topic)
    assert topic.views()[0].as_of_ms == 50_000
    assert not topic.is_due(0, 9_000_000)
    topic.answered(0, 10, 58_000)
    assert not topic.is_due(0, 50_000)
    assert topic.is_due(0, 50_001)


def test_freshness_is_that_of_what_is_told(topic):
    """Not of what was read and is not stored."""
    assert (topic.fresh(50_000), topic.stale(50_000).since_ms) == (0, 1_000)
    topic.answered(0, 10, 50_000)
    assert (topic.views()[0].as_of_ms, topic.views()[0].end_offset) == (None, 10)
    assert topic.fresh(50_000) == 0
    store(topic)
    assert (topic.fresh(50_000), topic.stale(50_000)) == (1, None)
    topic.answered(0, 10, 60_000)
    assert topic.stale(50_001 + FRESH_FOR_MS).since_ms == 50_000


def test_counting_goes_on_from_what_is_stored(topic, columns, state):
    """What is only in memory is forgotten, for it is read again."""
    topic.answered(0, 20, 50_000)
    topic.fold(columns([1, 2, 3], first_offset=10))
    known = {group_key("g"): GroupState(9, 4), group_key("never"): GroupState(None, 0)}
    stored = state(position=11, start_position=3, records=8, groups=known, as_of_ms=70_000)
    topic.restored(0, stored, ["g", "never", "other"])
    (view,) = topic.views()
    assert (view.start_position, view.next_offset, view.totals.records) == (3, 11, 8)
    assert (view.end_offset, view.as_of_ms) == (20, 70_000)
    assert view.totals.groups == {"g": GroupTotals(4), "never": GroupTotals(0)}
    assert (topic.positions, topic.unstored(), topic.is_due(0, 0)) == ({0: 11}, (), False)
    topic.fold(columns([1], first_offset=11))
    for group, offset in (("g", 11), ("never", 5), ("never", 7)):
        topic.committed(group, 0, offset, SEEN_MS)
    store(topic, groups=["g", "never"])
    (view,) = topic.views()
    assert (view.next_offset, view.totals.records) == (12, 9)
    assert view.totals.groups == {
        "g": GroupTotals(6, unaged=2),
        "never": GroupTotals(2, unaged=2),
    }


def test_a_partition_that_nobody_has_seen_is_restored_too(state):
    """After a start of the process; its end is not known yet."""
    topic = Topic("orders", 1_000, kept=True)
    topic.restored(5, state(position=11, records=2), [])
    (view,) = topic.views()
    assert (view.partition, view.next_offset, view.end_offset) == (5, 11, None)


def test_what_is_told_is_not_changed_by_what_is_counted_after_a_restore(topic, columns, state):
    """Both begin with the same counts, each with its own."""
    topic.restored(0, state(position=11, event_times={"header": 2}), [])
    topic.fold(columns([1], first_offset=11))
    assert topic.views()[0].totals.event_times == {"header": 2}


def test_a_group_found_later_goes_on_from_its_stored_commits(topic, state):
    """A pattern finds its name after the restore: until then its key alone is known."""
    stored = state(position=11, groups={group_key("found"): GroupState(9, 4)})
    topic.restored(0, stored, ["g"])
    topic.committed("found", 0, 9, SEEN_MS)
    topic.committed("found", 0, 8, SEEN_MS)
    assert not topic.is_due(0, 0)
    topic.committed("found", 0, 12, SEEN_MS)
    assert topic.is_due(0, 0)
    state = store(topic, groups=["found"])
    aged = ProcessedAges(11, Histogram(), reprocessed=1, unaged=2)
    assert state.groups == {group_key("found"): GroupState(12, 7, aged)}
    assert topic.views()[0].totals.groups == {"found": GroupTotals(7, reprocessed=1, unaged=2)}


def test_a_group_that_was_found_again_is_told_with_the_next_state(topic, columns, state):
    """Also if it has committed nothing more, and nothing of it is lost."""
    stored = state(position=11, groups={group_key("found"): GroupState(9, 4)})
    topic.restored(0, stored, [])
    topic.committed("found", 0, 9, SEEN_MS)
    topic.fold(columns([1], first_offset=11))
    state = store(topic, groups=["found"])
    aged = ProcessedAges(9, Histogram())
    assert state.groups == {group_key("found"): GroupState(9, 4, aged)}
    assert topic.views()[0].totals.groups == {"found": GroupTotals(4)}


def test_a_group_that_is_named_is_told_of_all_partitions_at_once(topic, columns, state):
    """As far as it is stored: no partition comes later than another one."""
    groups = {group_key("found"): GroupState(9, 4), group_key("other"): GroupState(8, 8)}
    topic.restored(0, state(position=11, groups=groups), [])
    topic.restored(1, state(position=7, groups={group_key("found"): GroupState(7, 3)}), [])
    topic.assigned({2: 0})
    topic.committed("found", 0, 12, SEEN_MS)
    assert [view.totals.groups for view in topic.views()] == [{}, {}]
    topic.named(["found", "never"])
    assert [view.totals.groups for view in topic.views()] == [
        {"found": GroupTotals(4)},
        {"found": GroupTotals(3)},
    ]
    topic.fold(columns([1], first_offset=11))
    assert (told(topic), topic.is_due(0, 0), topic.is_due(1, 0)) == ((11, 0), True, False)
    aged = ProcessedAges(12, Histogram(), unaged=3)
    assert store(topic, groups=["found"]).groups[group_key("found")] == GroupState(12, 7, aged)


def test_a_group_of_which_nothing_is_stored_begins_at_its_first_commit(topic):
    """What it had committed before was not seen."""
    topic.committed("g", 0, 900, SEEN_MS)
    aged = ProcessedAges(900, Histogram())
    assert store(topic).groups == {group_key("g"): GroupState(900, 0, aged)}


def test_in_memory_what_is_counted_is_told(columns):
    """The group is refused, and nothing was stored before."""
    topic = Topic("orders", 1_000, kept=True)
    topic.assigned({0: 10})
    topic.fold(columns([1, 2], first_offset=10))
    topic.answered(0, 12, 50_000)
    topic.keep_in_memory()
    assert (told(topic), topic.views()[0].as_of_ms) == ((12, 2), 50_000)
    topic.fold(columns([1], first_offset=12))
    assert told(topic) == (13, 3)
    assert (topic.captured(0), topic.is_due(0, 9_000_000)) == (None, False)
    assert told(topic.renewed(60_000)) == (13, 0)


def test_in_memory_what_was_counted_is_told_though_a_state_was_stored(topic, columns):
    """The service had answered well and keeps no text: the next record is not waited for."""
    topic.fold(columns([1, 2], first_offset=10))
    assert told(topic) == (10, 0)
    topic.keep_in_memory()
    assert told(topic) == (12, 2)


def test_in_memory_a_group_stays_told_that_was_not_seen_yet(topic, state):
    """Totals never shrink: it was named, and what is stored of it was told."""
    topic.restored(0, state(position=11, groups={group_key("g"): GroupState(9, 4)}), [])
    topic.named(["g"])
    before = topic.views()[0].totals
    topic.keep_in_memory()
    assert topic.views()[0].totals.groups == {"g": GroupTotals(4)} == before.groups
    topic.committed("g", 0, 11, SEEN_MS)
    assert topic.views()[0].totals.groups == {"g": GroupTotals(6, unaged=2)}


def test_a_new_life_begins_where_the_old_one_was_stored(topic, columns):
    """What was counted beyond was told by nobody, so it belongs to the new life."""
    topic.answered(0, 11, 40_000)
    topic.fold(columns([1], first_offset=10))
    topic.answered(0, 11, 50_000)
    store(topic)
    topic.fold(columns([1, 2], first_offset=11))
    topic.answered(0, 13, 60_000)
    renewed = topic.renewed(70_000)
    assert (renewed.positions, renewed.start_position(0)) == ({0: 11}, 11)
    assert (renewed.views(), renewed.unstored()) == ((), (0,))


def test_a_new_life_claims_to_have_read_no_more_than_it_counts(topic, columns, state):
    """Its positions went back: what was read to the end has to be read to the end again."""
    topic.fold(columns([1], first_offset=10))
    topic.answered(0, 11, 60_000)
    renewed = topic.renewed(70_000)
    renewed.planted(0, state("b", 10))
    assert renewed.captured(0).read_to_end_ms is None
    store(topic)
    renewed = topic.renewed(70_000)
    renewed.planted(0, state("b", 11))
    assert renewed.captured(0).read_to_end_ms == 60_000


def test_a_new_life_begins_where_the_last_one_did_if_nothing_is_stored(columns):
    """Its first position was not stored, so nothing was told: what was counted is read again."""
    topic = Topic("orders", 1_000, kept=True)
    topic.assigned({0: 10})
    topic.fold(columns([1, 2], first_offset=10))
    assert topic.told_positions == {0: 10}
    assert topic.renewed(70_000).positions == {0: 10}
    topic.keep_in_memory()
    assert topic.told_positions == topic.renewed(70_000).positions == {0: 12}


def test_a_new_life_claims_to_have_read_nothing_if_nothing_is_stored(columns, state):
    """Its end was reached with records that are read again."""
    topic = Topic("orders", 1_000, kept=True)
    topic.assigned({0: 10})
    topic.fold(columns([1, 2], first_offset=10))
    topic.answered(0, 12, 60_000)
    renewed = topic.renewed(70_000)
    renewed.planted(0, state("b", 10))
    assert renewed.captured(0).read_to_end_ms is None


def test_an_emptied_topic_keeps_its_state_as_before(topic):
    """Another log of the same name: its partitions have to be assigned and stored again."""
    emptied = topic.emptied(70_000)
    assert (emptied.partitions, emptied.stale(80_000).since_ms) == ((), 70_000)
    emptied.assigned({0: 0})
    assert emptied.views() == ()


def test_captured_tells_what_is_to_be_stored_and_of_what(topic, columns, state):
    """As it is at one moment."""
    topic.fold(columns([1], first_offset=10))
    topic.committed("g", 0, 11, SEEN_MS)
    topic.answered(0, 11, 50_000)
    captured = topic.captured(0)
    assert (captured.topic, captured.partition, captured.next_offset) == ("orders", 0, 11)
    assert (captured.read_to_end_ms, captured.highest_commits) == (50_000, {"g": 11})
    assert captured.stored == state(position=10)
    kept = replace(captured, totals=captured.totals.copy(), highest_commits={"g": 11})
    topic.fold(columns([1], first_offset=11))
    topic.committed("g", 0, 12, SEEN_MS)
    assert captured == kept
