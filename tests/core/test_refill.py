"""The ledger is filled again after a restart: what was passed meanwhile is counted by records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamgauge.core.keeping import grown
from streamgauge.core.topic import Topic
from streamgauge.core.totals import GroupTotals
from streamgauge.core.undecodable import UNDECODABLE, Undecoded
from streamgauge.core.worked import Worked

from .conftest import make_columns, make_state

EVENT_MS = 1_000
OFFSETS = np.array([*range(10), *range(50, 60), *range(90, 100)])
"""Gaps of 40 and 30 offsets."""


def columns(first, end, **more):
    """The records in [first, end)."""
    at = OFFSETS[(first <= OFFSETS) & (end > OFFSETS)]
    return make_columns((EVENT_MS + at).tolist(), offsets=at, next_offset=end, **more)


@pytest.fixture
def state():
    """Stored at position 70, with the group at 5."""
    topic = Topic("orders", 1_000, kept=True)
    topic.assigned({0: 0})
    topic.planted(0, make_state())
    topic.fold(columns(0, 70))
    topic.committed("g", 0, 5, 10_000)
    return grown(topic.captured(0), None, ("e" * 16, 2)).state


@pytest.fixture
def topic(state):
    """A process that goes on from there, and has begun to fill its ledger."""
    made = Topic("orders", 20_000, kept=True)
    made.restored(0, state, ["g"])
    made.refill(0, 5)
    return made


def totals(topic):
    """What is counted of the group."""
    return topic.captured(0).totals.groups["g"]


def test_what_was_passed_in_between_is_counted_by_records(topic):
    """And what is passed after that is aged, though it was read before the restart."""
    topic.refilled(columns(5, 55, live=True))
    topic.refilled(columns(55, 100))
    topic.refill_ended(0)
    assert (topic.ledger_of(0).start, topic.ledger_of(0).end) == (5, 70)
    assert (topic.positions, topic.captured(0).totals.records) == ({0: 70}, 20)
    topic.committed("g", 0, 52, 21_000)
    topic.committed("g", 0, 58, 22_000)
    done = totals(topic)
    assert (done.committed, done.aged.count, done.unaged) == (53, 6, 7)
    assert done.aged.sum_ms == sum(22_000 - EVENT_MS - at for at in range(52, 58))
    assert topic.worked("g") == Worked(6, done.aged.sum_ms)
    topic.fold(columns(70, 100))
    assert (topic.captured(0).totals.records, topic.ledger_of(0).end) == (30, 100)


def test_commits_that_come_meanwhile_wait_with_the_time_they_were_seen(topic):
    """Until the ledger is full; also those that go back."""
    topic.refilled(columns(5, 20))
    for seen_at_ms, offset in ((21_000, 52), (22_000, 58), (23_000, 7), (24_000, 58)):
        topic.committed("g", 0, offset, seen_at_ms)
    assert totals(topic) == GroupTotals(53)
    topic.refilled(columns(20, 70))
    topic.refill_ended(0)
    assert topic.is_due(0, 0)
    done = totals(topic)
    assert (done.aged.count, done.unaged, done.reprocessed) == (6, 7, 11)
    assert topic.captured(0).aged_to == {"g": 58}


def test_a_refill_that_ends_early_is_of_no_use(topic):
    """The ledger begins at the position, and offsets stand for records."""
    topic.refilled(columns(5, 55))
    topic.committed("g", 0, 52, 21_000)
    topic.refill_ended(0)
    ledger = topic.ledger_of(0)
    assert (ledger.start, ledger.end, topic.ledger.exact_records) == (70, 70, 0)
    assert totals(topic) == GroupTotals(47, unaged=47)


@pytest.mark.parametrize("go_on", [lambda t: t.fold(columns(70, 100)), lambda t: t.passed(0, 100)])
def test_reading_on_ends_a_refill(topic, go_on):
    """Filled or not, for a record is never counted twice nor put in the wrong place."""
    topic.refilled(columns(5, 70))
    topic.committed("g", 0, 52, 21_000)
    go_on(topic)
    assert (totals(topic).unaged, topic.ledger_of(0).end) == (7, 100)
    topic.refilled(columns(5, 70))
    topic.refill_ended(0)
    assert (topic.ledger_of(0).start, topic.ledger_of(0).end) == (5, 100)


def test_a_start_beyond_the_position_is_refused(topic):
    """What lies there is read by the tail."""
    with pytest.raises(ValueError, match=r"orders/0: .* from offset 71 on, which .* position 70"):
        topic.refill(0, 71)
    topic.refill(0, 70)
    topic.refill_ended(0)
    assert (topic.ledger_of(0).start, topic.ledger_of(0).end) == (70, 70)


def test_without_a_refill_offsets_stand_for_records(state):
    """What the group passed meanwhile is counted with its first commit."""
    topic = Topic("orders", 20_000, kept=True)
    topic.restored(0, state, ["g"])
    assert not topic.is_due(0, 0)
    topic.committed("g", 0, 52, 21_000)
    assert totals(topic) == GroupTotals(47, unaged=47)


def test_what_retention_takes_during_a_refill_is_counted_once(topic):
    """As passed, or as lost."""
    topic.committed("g", 0, 8, 21_000)
    topic.committed("g", 0, 9, 22_000)
    topic.refilled(columns(5, 7))
    topic.deleted_before({0: 55})
    done = totals(topic)
    assert (done.committed, done.aged.count + done.unaged, topic.lost("g")) == (4, 4, 55 - 9)
    topic.refilled(columns(55, 70))
    topic.refill_ended(0)
    topic.committed("g", 0, 57, 23_000)
    assert (totals(topic).aged.count, topic.ledger_of(0).count(55, 70)) == (2, 5)


def test_the_room_of_the_ledger_before_is_given_back(topic):
    """However often it is refilled."""
    for _ in range(3):
        topic.refill(0, 5)
        topic.refilled(columns(5, 70))
    topic.refill_ended(0)
    assert topic.ledger.exact_records == 15


def test_what_cannot_be_decoded_has_its_place_in_a_refill_too(topic):
    """It was passed like any other record, but it has no age; none of it is counted again."""
    topic.refilled(columns(5, 40), [Undecoded(10, 3), Undecoded(39, 9)])
    topic.refilled(columns(40, 80), [Undecoded(62, 2), Undecoded(69, 9)])
    topic.refill_ended(0)
    assert topic.ledger_of(0).count(5, 70) == 5 + 3 + 1 + 10 + 2 + 1
    topic.committed("g", 0, 52, 21_000)
    topic.committed("g", 0, 70, 22_000)
    done = totals(topic)
    assert (done.aged.count, done.unaged) == (8, 5 + 4 + 2 + 3)
    assert topic.captured(0).totals.undecodable == 0


def test_many_in_a_row_that_cannot_be_decoded_are_not_left_out_of_a_refill(state):
    """The ledger begins behind them."""
    first, end = 10, 10 + UNDECODABLE + 1
    topic = Topic("orders", 20_000, kept=True)
    topic.restored(0, replace(state, position=end + 5), ["g"])
    topic.refill(0, 5)
    topic.refilled(columns(5, 10))
    topic.refilled(make_columns([EVENT_MS], first_offset=end), [Undecoded(first, end - first)])
    topic.refilled(make_columns([], next_offset=end + 5))
    topic.refill_ended(0)
    assert topic.ledger_of(0).start == end
    assert topic.ledger_of(0).count(5, end + 5) == end - 5 + 1


def test_what_retention_takes_before_it_is_read_again_stands_for_records(topic):
    """The tail of the refill was overtaken: of what is deleted nothing is known."""
    topic.refilled(columns(5, 8))
    topic.committed("g", 0, 53, 21_000)
    topic.refill_lost(0, 51)
    topic.refilled(columns(51, 70))
    topic.refill_ended(0)
    assert (topic.ledger_of(0).start, topic.ledger_of(0).end) == (51, 70)
    assert totals(topic) == GroupTotals(48, unaged=3 + 43 + 2)
    topic.committed("late", 0, 7, 21_000)
    topic.committed("late", 0, 60, 22_000)
    late = topic.captured(0).totals.groups["late"]
    assert (late.unaged, late.aged.count) == (51 - 7, 9)


@pytest.mark.parametrize("kept", [True, False])
def test_a_life_that_begins_during_a_refill_knows_what_it_does_not_know(state, kept):
    """What was not read again yet is not taken for offsets without records."""
    topic = Topic("orders", 20_000, kept=kept)
    if kept:
        topic.restored(0, state, ["g"])
    else:
        topic.assigned({0: 70})
    topic.fold(columns(70, 95))
    topic.refill(0, 5)
    topic.refilled(columns(5, 20))
    renewed = topic.renewed(30_000)
    position = 70 if kept else 95
    ledger = renewed.ledger_of(0)
    assert (ledger.start, ledger.end, renewed.positions) == (position, position, {0: position})
    renewed.refill_ended(0)
    renewed.fold(columns(position, 100))
    assert ledger.count(5, 100) == position - 5 + {70: 10, 95: 5}[position]
    renewed.committed("g", 0, 5, 31_000)
    renewed.committed("g", 0, 98, 32_000)
    if kept:
        renewed.planted(0, make_state("b", 70))
    done = totals(renewed) if kept else renewed.views()[0].totals.groups["g"]
    assert (done.unaged, done.aged.count) == (position - 5, {70: 8, 95: 3}[position])


def test_a_life_that_begins_after_a_refill_keeps_what_was_read_again(topic):
    """It lies before the stored position, or reaches it."""
    topic.refilled(columns(5, 70))
    renewed = topic.renewed(30_000)
    assert (renewed.ledger_of(0).count(5, 70), renewed.ledger.exact_records) == (15, 15)
