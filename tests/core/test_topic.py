"""One topic: positions only move forward, and no record is counted twice."""

from __future__ import annotations

import pytest

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.topic import FRESH_FOR_MS, Topic
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import Blind

SEEN_MS = 5_000


@pytest.fixture
def topic():
    """A topic with partitions 0 (from 10) and 1 (from 0)."""
    made = Topic("orders", 1_000)
    made.assigned({1: 0, 0: 10})
    return made


def test_positions_start_where_assigned(topic):
    """Nothing is known but the start."""
    first, second = topic.views()
    assert (first.topic, first.partition) == ("orders", 0)
    assert (first.start_position, first.next_offset) == (10, 10)
    assert (first.end_offset, first.as_of_ms, first.totals.records) == (None, None, 0)
    assert (second.partition, second.next_offset) == (1, 0)
    assert topic.partitions == (0, 1)
    assert list(topic.positions) == [0, 1]


def test_a_position_is_assigned_once_in_a_life(topic):
    """A second position would lose or double records."""
    with pytest.raises(ValueError, match=r"partitions \[0\] have a position already"):
        topic.assigned({0: 99, 2: 0})
    assert topic.partitions == (0, 1)
    topic.assigned({8: 5})
    assert topic.views()[2].start_position == 5
    with pytest.raises(ValueError, match=r"^orders: partitions \[1, 8\] have a position already$"):
        topic.assigned({8: 5, 1: 0})


def test_folding_moves_the_position(topic, columns):
    """To what the columns say is next, also past offsets without records."""
    topic.fold(columns([1, 2], first_offset=10, next_offset=15))
    assert topic.positions == {0: 15, 1: 0}
    topic.fold(columns([3], first_offset=15))
    topic.fold(columns([], partition=1))
    assert topic.positions == {0: 16, 1: 0}
    assert (topic.views()[0].next_offset, topic.views()[0].totals.records) == (16, 3)
    topic.fold(columns([], next_offset=12))
    assert topic.views()[0].next_offset == 16


def test_the_position_lies_after_every_record_that_was_counted(topic, columns):
    """Whatever the columns say is next: else their last record could be counted again."""
    topic.fold(columns([1, 2], first_offset=10, next_offset=11))
    assert topic.positions == {0: 12, 1: 0}
    with pytest.raises(ValueError, match="offset 11 lies before the position 12"):
        topic.fold(columns([2], first_offset=11))


def test_a_record_before_the_position_is_refused(topic, columns):
    """It would be counted twice; nothing of the poll is counted."""
    topic.fold(columns([1], first_offset=10))
    for fold in (topic.fold, lambda more: topic.fold_dead_letters(more, [], 0)):
        with pytest.raises(ValueError, match="orders/0: offset 10 lies before the position 11"):
            fold(columns([1, 2], first_offset=10))
    assert topic.views()[0].totals.records == 1


def test_dead_letters_count_as_such(topic, columns):
    """And move the position as well."""
    cause = CauseName("c" * 16, "billing", "IOException", None)
    topic.fold_dead_letters(columns([1, 2], first_offset=10), [cause], 1)
    view = topic.views()[0]
    assert (view.next_offset, view.totals.records) == (12, 0)
    assert (view.totals.dead_letters, view.totals.retrying) == (1, 1)
    assert (view.totals.causes, topic.causes) == ({cause.key: 1}, {cause.key: cause})


def test_causes_beyond_the_places_of_a_partition_are_counted_together(topic, columns):
    """And none is forgotten that has a place."""
    causes = [CauseName(f"{n:016x}", "billing", f"E{n}", None) for n in range(30)]
    topic.fold_dead_letters(columns([1] * 30, first_offset=10), causes, 0)
    topic.fold_dead_letters(columns([1] * 30, first_offset=40), causes, 0)
    totals = topic.views()[0].totals
    assert totals.causes == {each.key: 2 for each in causes[:20]}
    assert (totals.other_causes, totals.dead_letters) == (20, 60)


def test_a_told_view_no_longer_grows(topic, columns):
    """Views are copies, and a fresh one is made only when something grew."""
    before = topic.views()[0]
    assert topic.views()[0].totals is before.totals
    topic.fold(columns([1], first_offset=10))
    assert before.totals.records == 0
    assert topic.views()[0].totals.records == 1


def test_offsets_without_records_are_told_apart(topic):
    """Lost and undecodable offsets are counted by their kind."""
    topic.views()
    topic.passed(0, 14, lost=4)
    topic.undecodable(0, 14, 1)
    topic.passed(0, 15)
    topic.passed(0, 12)
    view = topic.views()[0]
    assert (view.next_offset, view.totals.lost, view.totals.undecodable) == (15, 4, 1)


def test_commits_count_only_forward(topic):
    """A rewind and a repeated commit move nothing; an unknown partition is not invented."""
    for offset in (12, 12, 20, 5, 21):
        topic.views()
        topic.committed("g", 0, offset, SEEN_MS)
    topic.committed("g", 9, 1, SEEN_MS)
    assert topic.views()[0].totals.groups == {"g": GroupTotals(9, reprocessed=15)}
    assert topic.partitions == (0, 1)


def test_state_is_fresh_for_30_seconds_after_the_end_was_reached(topic):
    """Only an answered fetch that showed the end makes it fresh."""
    assert topic.stale(2_000).since_ms == 1_000
    assert topic.stale(2_000).reason.endswith("the end of partition 0, 1")
    topic.answered(0, 11, 2_000)
    assert topic.views()[0].as_of_ms is None
    topic.passed(0, 11)
    topic.answered(0, 11, 3_000)
    topic.answered(1, 0, 4_000)
    assert topic.views()[0].as_of_ms == 3_000
    assert topic.views()[0].end_offset == 11
    assert topic.stale(3_000 + FRESH_FOR_MS) is None
    blind = topic.stale(3_001 + FRESH_FOR_MS)
    assert (blind.what, blind.since_ms) == ("topic orders", 3_000)
    assert blind.reason == "the gauge has not read to the end of partition 0"


def test_an_answer_from_ahead_of_the_clock_is_not_fresh(topic):
    """After the clock was set back nobody knows how old it is."""
    topic.answered(0, 10, 100_000)
    topic.answered(1, 0, 100_000)
    assert topic.fresh(100_000 - FRESH_FOR_MS) == 2
    assert topic.fresh(99_999 - FRESH_FOR_MS) == 0
    assert topic.stale(99_999 - FRESH_FOR_MS).since_ms == 99_999 - FRESH_FOR_MS


def test_a_topic_without_partitions_was_not_seen():
    """No partition is behind, because none is known: that is no reason to be content."""
    blind = Blind("topic orders", 5, "its partitions are not known yet")
    assert Topic("orders", 5).stale(10) == blind


def test_many_stale_partitions_are_named_up_to_ten():
    """The sentence stays a sentence."""
    topic = Topic("orders", 5)
    topic.assigned(dict.fromkeys(range(13), 0))
    assert topic.stale(10).reason.endswith("of partition 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more")
    assert topic.stale(10).since_ms == 5


def test_a_new_life_goes_on_from_the_same_positions(topic, columns):
    """What was read and answered stays known, what was counted does not."""
    topic.fold(columns([1, 2], first_offset=10))
    topic.committed("g", 0, 11, SEEN_MS)
    topic.answered(0, 12, 3_000)
    renewed = topic.renewed(9_000)
    first, second = renewed.views()
    assert (first.topic, first.start_position, first.next_offset) == ("orders", 12, 12)
    assert (first.end_offset, first.as_of_ms, first.totals) == (12, 3_000, Totals())
    assert (second.start_position, second.end_offset, second.as_of_ms) == (0, None, None)
    assert renewed.stale(10_000).since_ms == 9_000
    renewed.committed("g", 0, 12, SEEN_MS)
    assert renewed.views()[0].totals.groups == {"g": GroupTotals(0)}
    assert topic.views()[0].totals.records == 2


def test_a_topic_is_behind_until_all_of_it_was_read_within_a_second(columns):
    """An end that lies further back says nothing of now, nor one that a clock has put ahead."""
    topic = Topic("orders", 1_000)
    topic.assigned({0: 0, 1: 0})
    assert topic.is_behind(1_000)
    topic.answered(0, 0, 2_000)
    assert topic.is_behind(2_000)
    topic.answered(1, 0, 2_000)
    assert not topic.is_behind(3_000)
    assert topic.is_behind(3_001)
    assert topic.is_behind(900)
    topic.answered(0, 5, 3_000)
    assert topic.is_behind(3_001)
