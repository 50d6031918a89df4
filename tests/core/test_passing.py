"""Processed ages: when a group's commits pass records, each of them is counted once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgauge.core.gauge import GRACE_MS, StreamGauge, StreamPolicy
from streamgauge.core.histogram import Histogram
from streamgauge.core.keeping import grown
from streamgauge.core.ledger import LedgerBudget
from streamgauge.core.passing import WAITING_COMMITS
from streamgauge.core.snapshot import LedgerView
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.topic import PATIENCE_MS, Topic
from streamgauge.core.totals import GroupTotals
from streamgauge.core.undecodable import UNDECODABLE
from streamgauge.core.worked import Worked
from streamgauge.model import UNKNOWN, CommittedOffsets, LogOffsets

from .conftest import FAR_ENDS, make_columns, make_state

POLICY = StreamPolicy("orders", "orders", ("orders",), ("g", "p-*"), (), 10_000, 100, {})
EVENT_MS = 1_000
"""Event time of the record at offset 0; each further one happened 1 ms later."""


def ages(*ages_ms):
    """A histogram of these ages."""
    histogram = Histogram()
    histogram.fold(np.array(ages_ms, dtype=np.int64))
    return histogram


def passed(seen_ms, first, end):
    """The ages of records that were seen to be passed at that time."""
    return [seen_ms - EVENT_MS - offset for offset in range(first, end)]


def read_on(topic, count):
    """The tail reads so many records."""
    at = topic.positions[0]
    topic.fold(make_columns([EVENT_MS + at + n for n in range(count)], first_offset=at))


def totals(topic, group="g"):
    """What is counted of the group."""
    return topic.views()[0].totals.groups[group]


@pytest.fixture
def topic():
    """A topic of which 20 records were read, while the group was at 5 at second 10."""
    made = Topic("orders", 1_000)
    made.assigned({0: 0})
    read_on(made, 20)
    made.committed("g", 0, 5, 10_000)
    return made


def test_a_record_is_as_old_as_when_its_commit_was_first_seen(topic):
    """Counting begins at the first commit that was seen; a repeated one adds nothing."""
    assert totals(topic) == GroupTotals()
    topic.committed("g", 0, 8, 11_000)
    topic.committed("g", 0, 8, 12_000)
    topic.committed("g", 0, 9, 13_000)
    assert totals(topic) == GroupTotals(4, ages(*passed(11_000, 5, 8), *passed(13_000, 8, 9)))


def test_each_group_ages_on_its_own(topic):
    """The same records, at another time."""
    topic.committed("h", 0, 0, 10_500)
    topic.committed("g", 0, 20, 11_000)
    topic.committed("h", 0, 6, 11_500)
    assert totals(topic) == GroupTotals(15, ages(*passed(11_000, 5, 20)))
    assert totals(topic, "h") == GroupTotals(6, ages(*passed(11_500, 0, 6)))


def test_a_record_is_older_at_a_later_poll_only_by_the_poll_interval():
    """The clock of the answer counts, not that of the fold: a late tail changes no age."""
    topic = Topic("orders", 1_000)
    topic.assigned({0: 0})
    topic.committed("g", 0, 0, 10_000)
    topic.committed("g", 0, 4, 11_000)
    topic.committed("g", 0, 7, 12_000)
    read_on(topic, 2)
    assert totals(topic) == GroupTotals(7, ages(*passed(11_000, 0, 2)))
    read_on(topic, 10)
    assert totals(topic) == GroupTotals(7, ages(*passed(11_000, 0, 4), *passed(12_000, 4, 7)))


def test_commits_that_wait_have_a_limit_and_what_it_drops_is_unaged():
    """The first ones are aged all the same, and later ones once there is room again."""
    topic = Topic("orders", 1_000)
    topic.assigned({0: 0})
    topic.committed("g", 0, 0, 0)
    for number in range(1, WAITING_COMMITS + 11):
        topic.committed("g", 0, number, 1_000 * number)
    read_on(topic, WAITING_COMMITS + 10)
    done = totals(topic)
    assert (done.aged.count, done.unaged, done.committed) == (WAITING_COMMITS, 10, 70)
    assert done.aged.sum_ms == sum(1_000 * n - EVENT_MS - (n - 1) for n in range(1, 61))
    topic.committed("g", 0, 71, 71_000)
    read_on(topic, 1)
    assert (totals(topic).aged.count, totals(topic).unaged) == (WAITING_COMMITS + 1, 10)


def test_commits_of_which_the_time_is_not_known_wait_as_one():
    """They take no place from those that can be aged."""
    topic = Topic("orders", 1_000)
    topic.assigned({0: 0})
    for number in range(101):
        topic.committed("g", 0, number, 5_000 * number)
    for number in range(1, WAITING_COMMITS):
        topic.committed("g", 0, 100 + number, 500_000 + 1_000 * number)
    read_on(topic, 200)
    done = totals(topic)
    assert (done.aged.count, done.unaged) == (WAITING_COMMITS - 1, 100)


def test_what_is_passed_again_after_a_rewind_is_reprocessed_and_not_aged(topic):
    """Commits out of order are small rewinds; what lies beyond the highest one is aged."""
    topic.committed("g", 0, 10, 11_000)
    topic.committed("g", 0, 4, 12_000)
    once = GroupTotals(5, ages(*passed(11_000, 5, 10)))
    assert totals(topic) == once
    topic.committed("g", 0, 7, 13_000)
    assert totals(topic) == replace(once, reprocessed=3)
    topic.committed("g", 0, 12, 14_000)
    aged = ages(*passed(11_000, 5, 10), *passed(14_000, 10, 12))
    assert totals(topic) == GroupTotals(7, aged, reprocessed=6)


@pytest.mark.parametrize(
    ("later_ms", "watched"),
    [
        (PATIENCE_MS, True),
        (PATIENCE_MS + 1, False),
        (3_600_000, False),
        (-100, True),
        (-PATIENCE_MS - 1, False),
    ],
)
def test_what_is_passed_while_nobody_watches_is_unaged(topic, later_ms, watched):
    """The answer before is too old to say when; a clock that was set back says nothing either."""
    seen_ms = 10_000 + later_ms
    topic.committed("g", 0, 8, seen_ms)
    aged = ages(*passed(seen_ms, 5, 8)) if watched else Histogram()
    assert totals(topic) == GroupTotals(3, aged, unaged=0 if watched else 3)
    topic.committed("g", 0, 9, seen_ms + 1_000)
    assert totals(topic).aged.count == aged.count + 1


def test_an_answer_that_shows_no_commit_breaks_the_watch(topic):
    """The group was deleted: from where it goes on is not known, nor what it does again."""
    for offset, unaged in ((15, 10), (3, 10), (7, 10)):
        topic.committed("g", 0, None, 11_000)
        topic.committed("g", 0, offset, 11_500)
        assert totals(topic) == GroupTotals(10, unaged=unaged)
    topic.committed("unknown", 0, None, 11_000)
    assert topic.views()[0].totals.groups.keys() == {"g"}


def test_what_is_not_in_the_ledger_is_unaged():
    """Before the first position, or dropped by a limit."""
    topic = Topic("orders", 1_000, budget=LedgerBudget(exact_records=512, coarse_blocks=1))
    topic.assigned({0: 100})
    topic.committed("g", 0, 90, 10_000)
    read_on(topic, 512 * 3)
    topic.committed("g", 0, 102, 11_000)
    assert totals(topic) == GroupTotals(12, unaged=12)
    topic.committed("g", 0, 614, 12_000)
    done = totals(topic)
    assert (done.committed, done.aged.count, done.unaged) == (524, 2, 522)
    view = LedgerView(exact_records=512, coarse_records=512, dropped_records=512)
    assert replace(topic.ledger, error_ms=0) == view


def test_records_without_event_time_are_unaged(topic):
    """And the others beside them are not."""
    event_ms = [UNKNOWN, EVENT_MS + 21, UNKNOWN]
    topic.fold(make_columns(event_ms, first_offset=20))
    topic.committed("g", 0, 23, 11_000)
    assert totals(topic) == GroupTotals(
        18, ages(*passed(11_000, 5, 20), *passed(11_000, 21, 22)), unaged=2
    )


def test_negative_ages_enter_as_zero(topic):
    """The clock of the producer is ahead."""
    topic.fold(make_columns([99_000], first_offset=20))
    topic.committed("g", 0, 20, 11_000)
    topic.committed("g", 0, 21, 12_000)
    assert totals(topic) == GroupTotals(16, ages(*passed(11_000, 5, 20), 0))


def test_control_records_are_no_records(topic):
    """A commit moves over them, and the sum is that of what could be read."""
    topic.fold(make_columns([EVENT_MS + 20], first_offset=20, next_offset=23))
    topic.passed(0, 25)
    topic.committed("g", 0, 25, 11_000)
    assert totals(topic) == GroupTotals(20, ages(*passed(11_000, 5, 21)))
    topic.committed("g", 0, 5, 12_000)
    topic.committed("g", 0, 25, 13_000)
    assert totals(topic).reprocessed == 16


def test_records_that_cannot_be_decoded_are_passed_like_others(topic):
    """Wherever they lie, and though the group was quicker than the tail."""
    topic.committed("g", 0, 26, 11_000)
    topic.undecodable(0, 21, 2)
    topic.fold(make_columns([EVENT_MS + 20, EVENT_MS + 23], offsets=np.array([20, 23])))
    assert totals(topic) == GroupTotals(21, ages(*passed(11_000, 5, 21), 11_000 - 1_023), unaged=2)
    topic.undecodable(0, 24, 1)
    topic.passed(0, 26)
    topic.undecodable(0, 26, 1)
    topic.passed(0, 27)
    topic.committed("g", 0, 27, 12_000)
    assert (totals(topic).unaged, topic.views()[0].totals.undecodable) == (4, 4)
    topic.committed("g", 0, 5, 13_000)
    topic.committed("g", 0, 27, 14_000)
    assert totals(topic).reprocessed == 21


def test_undecodable_records_have_a_limit(topic):
    """A damaged batch may say that it holds anything."""
    topic.undecodable(0, 20, UNDECODABLE)
    topic.passed(0, 20 + UNDECODABLE)
    assert topic.ledger.exact_records == 20 + UNDECODABLE
    topic.undecodable(0, 20 + UNDECODABLE, 2**40)
    topic.passed(0, 2**39)
    assert topic.views()[0].totals.undecodable == 2**40 + UNDECODABLE
    assert (topic.ledger, topic.ledger_of(0).start) == (LedgerView(), 2**39)


@pytest.mark.parametrize("in_one_poll", [True, False])
def test_behind_many_undecodable_records_the_ledger_begins_anew(topic, in_one_poll):
    """None of them is left out: they are passed, and to be passed, like what nobody has read."""
    first, end = 22, 22 + UNDECODABLE + 1
    topic.committed("g", 0, end + 2, 11_000)
    topic.committed("h", 0, 10, 11_000)
    if not in_one_poll:
        topic.fold(make_columns([EVENT_MS + 20, EVENT_MS + 21], first_offset=20))
    topic.undecodable(0, first, end - first)
    if not in_one_poll:
        topic.passed(0, end)
    at = np.array([20, 21, end, end + 1, end + 2][0 if in_one_poll else 2 :])
    topic.fold(make_columns((EVENT_MS + at).tolist(), offsets=at))
    done = totals(topic)
    assert (done.aged.count, done.unaged) == (17 + 2, end - first)
    assert (topic.ledger_of(0).start, topic.ledger.exact_records) == (end, 3)
    assert topic.ledger_of(0).count(first, end + 3) == end - first + 3
    topic.committed("h", 0, end + 1, 12_000)
    assert (totals(topic, "h").aged.count, totals(topic, "h").unaged) == (1, end - 10)


def test_undecodable_dead_letters_are_not_remembered(topic):
    """No group is followed there."""
    letters = Topic("dlq", 1_000)
    letters.assigned({0: 0})
    letters.undecodable(0, 0, 1)
    letters.fold_dead_letters(make_columns([1], topic="dlq", first_offset=1), [], 0)
    letters.passed(0, 2)
    assert letters.ledger.exact_records == 0
    assert letters.ledger_of(0).count(0, 9) == 9


def test_what_waits_is_counted_when_the_position_moves_without_records():
    """Retention deletes what the group was quicker to read than the gauge."""
    topic = Topic("orders", 1_000)
    topic.assigned({0: 0})
    topic.committed("g", 0, 0, 10_000)
    topic.committed("g", 0, 5, 11_000)
    topic.passed(0, 6, lost=6)
    read_on(topic, 1)
    assert totals(topic) == GroupTotals(5, unaged=5)
    topic.committed("g", 0, 7, 12_000)
    assert totals(topic) == GroupTotals(7, ages(*passed(12_000, 6, 7)), unaged=6)


def test_a_new_life_begins_with_the_next_commit_and_the_same_ledger(topic):
    """Of another log nothing is remembered."""
    renewed = topic.renewed(11_000)
    renewed.committed("g", 0, 8, 11_000)
    renewed.committed("g", 0, 10, 12_000)
    assert totals(renewed) == GroupTotals(2, ages(*passed(12_000, 8, 10)))
    assert renewed.ledger.exact_records == 20
    emptied = renewed.emptied(13_000)
    emptied.assigned({0: 0})
    assert (emptied.ledger, renewed.ledger) == (LedgerView(), LedgerView())


def test_a_restored_partition_gives_back_the_room_of_its_ledger():
    """It begins with another one, at its stored position."""
    budget = LedgerBudget()
    topic = Topic("orders", 1_000, kept=True, budget=budget)
    topic.assigned({0: 0})
    read_on(topic, 20)
    topic.restored(0, make_state(position=7), ["g"])
    assert (topic.ledger, budget.used_records) == (LedgerView(), 0)
    read_on(topic, 5)
    assert (topic.ledger, budget.used_records) == (LedgerView(exact_records=5), 32)


def stored(topic, version=2):
    """Through the text of a state, as the process does that counts."""
    captured = topic.captured(0)
    state = grown(captured, None, ("e" * 16, version)).state
    topic.settled(captured, state, ["g"])
    return decode(encode(state).text, state.position)


@pytest.fixture
def kept():
    """A topic whose state is kept; 10 records were read while the group was at 5."""
    made = Topic("orders", 1_000, kept=True)
    made.assigned({0: 0})
    made.planted(0, make_state())
    read_on(made, 10)
    made.committed("g", 0, 5, 10_000)
    return made


def test_after_a_restart_nothing_is_aged_twice(kept):
    """What was passed in between is unaged, and what is read again is aged once."""
    kept.committed("g", 0, 7, 11_000)
    state = stored(kept)
    kept.committed("g", 0, 10, 12_000)
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, state, ["g"])
    again.committed("g", 0, 9, 21_000)
    assert stored(again).position == 10
    assert totals(again) == GroupTotals(4, ages(*passed(11_000, 5, 7)), unaged=2)
    read_on(again, 5)
    again.committed("g", 0, 12, 22_000)
    stored(again)
    # the record at 9 was read before the restart: the ledger has forgotten it
    aged = ages(*passed(11_000, 5, 7), *passed(22_000, 10, 12))
    assert totals(again) == GroupTotals(7, aged, unaged=3)


def test_what_waits_is_passed_also_where_nothing_can_be_read(kept):
    """The state says that nothing waits any more."""
    kept.committed("g", 0, 12, 11_000)
    assert kept.captured(0).aged_to == {"g": 10}
    kept.passed(0, 12, lost=2)
    assert kept.captured(0).aged_to == {"g": 12}
    assert stored(kept).position == 12
    assert totals(kept) == GroupTotals(7, ages(*passed(11_000, 5, 10)), unaged=2)


def test_what_waited_at_a_restart_is_unaged(kept):
    """When it was passed was seen, but not stored."""
    kept.committed("g", 0, 13, 11_000)
    state = stored(kept)
    (processed,) = [group.processed for group in state.groups.values()]
    assert (processed.aged_to, processed.ages.count) == (10, 5)
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, state, ["g"])
    assert not again.is_due(0, 0)
    read_on(again, 5)
    stored(again)
    assert totals(again) == GroupTotals(8, ages(*passed(11_000, 5, 10)), unaged=3)


def test_what_waited_is_counted_also_of_a_group_whose_name_is_found_later(kept):
    """As soon as it is known, though the tail had read on before."""
    kept.committed("g", 0, 13, 11_000)
    state = stored(kept)
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, state, [])
    read_on(again, 5)
    stored(again)
    again.committed("g", 0, 13, 21_000)
    assert again.is_due(0, 0)
    assert again.captured(0).aged_to == {"g": 13}
    stored(again)
    assert totals(again) == GroupTotals(8, ages(*passed(11_000, 5, 10)), unaged=3)


def test_a_group_whose_ages_found_no_place_before_begins_at_its_highest_commit(kept):
    """Of the state of an older version as well: its commits are not aged anew."""
    state = stored(kept)
    groups = {key: group._replace(processed=None) for key, group in state.groups.items()}
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, replace(state, groups=groups), ["g"])
    again.committed("g", 0, 5, 20_500)
    read_on(again, 1)
    again.committed("g", 0, 11, 21_000)
    stored(again)
    assert totals(again) == GroupTotals(6, ages(*passed(21_000, 10, 11)), unaged=5)


def test_places_for_ages_are_kept_for_the_groups_that_were_named(kept):
    """Though others have committed before them."""
    for name in "abcdef":
        kept.committed(name, 0, 3, 10_000)
    captured = kept.captured(0)
    assert captured.takers == ("g", "a", "b", "c", "d")
    assert captured.aged_to == {"g": 5} | dict.fromkeys("abcdef", 3)
    again = Topic("orders", 1_000, kept=True)
    again.reserve(["f", "later", "a"])
    again.assigned({0: 0})
    again.planted(0, make_state())
    for name in "abcdef":
        again.committed(name, 0, 3, 10_000)
    assert again.captured(0).takers == ("f", "later", "a", "b", "c")
    assert again.groups_without_ages == {"d", "e"}


def test_reserving_takes_no_place_from_who_has_one(kept):
    """It was told already."""
    for name in "abc":
        kept.committed(name, 0, 3, 10_000)
    kept.reserve(["x", "y", "z"])
    kept.committed("z", 0, 3, 10_000)
    assert (kept.captured(0).takers, kept.groups_without_ages) == (("g", "a", "b", "c", "x"), {"z"})


def kept_life(state, names, steps, reserved=()):
    """A process that goes on from a state, sees these groups in this order, and stores again."""
    topic = Topic("orders", 1_000, kept=True)
    topic.reserve(reserved)
    topic.restored(0, state, names)
    for seen_at_ms, offset in steps:
        for name in names:
            topic.committed(name, 0, offset, seen_at_ms)
    if topic.positions[0] < 1_000:
        read_on(topic, 1_000)
    captured = topic.captured(0)
    state = grown(captured, None, ("e" * 16, 2)).state
    topic.settled(captured, state, names)
    return topic, decode(encode(state).text, state.position)


@pytest.mark.parametrize(
    ("after", "reserved"),
    [("fabcde", ()), ("edcbaf", ()), ("Xabcdef", ("X",)), ("Xabcdef", ()), ("abcdef", ())],
)
def test_a_restart_counts_nothing_again_whatever_the_order_of_groups(after, reserved):
    """More groups than places; they are seen in another order, or one more is named."""
    _, state = kept_life(make_state(), "abcdef", [(10_000, 0), (11_000, 0), (12_000, 100)])
    steps = [(20_000, 100), (21_000, 600)]
    for _ in range(3):
        topic, state = kept_life(state, after, steps, reserved)
        steps = [(steps[-1][0] + 9_000, 600)]
        told = topic.views()[0].totals.groups
        for name in "abcde":
            done = told[name]
            assert (done.committed, done.aged.count, done.unaged) == (600, 100, 500)
        assert topic.groups_without_ages == set(after) - set("abcde")


def test_a_group_without_a_place_is_only_counted(kept):
    """Nothing of its ages is known, also after a restart, and it takes no memory for them."""
    for name in "abcde":
        kept.committed(name, 0, 0, 10_000)
        kept.committed(name, 0, 4, 11_000)
        kept.committed(name, 0, 2, 12_000)
        kept.committed(name, 0, 7, 13_000)
    captured = kept.captured(0)
    assert captured.totals.groups["e"] == GroupTotals(7)
    assert captured.totals.groups["d"] == GroupTotals(
        7, ages(*passed(11_000, 0, 4), *passed(13_000, 4, 7)), reprocessed=2
    )
    grown_state = grown(captured, None, ("e" * 16, 2))
    assert grown_state.groups_without_ages == ("e",)
    assert (kept.worked("e"), kept.worked("d").records) == (Worked(), 7)
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, grown_state.state, [])
    again.named(["d", "e"])
    assert again.groups_without_ages == {"e"}
    again.committed("e", 0, 9, 30_000)
    assert (again.captured(0).totals.groups["e"], again.groups_without_ages) == (
        GroupTotals(9),
        {"e"},
    )


def test_a_group_without_a_place_is_aged_once_nothing_is_stored(kept):
    """What it has passed until then is unaged, of what was read and of what waits."""
    for name in "abcde":
        kept.committed(name, 0, 0, 10_000)
        kept.committed(name, 0, 12, 11_000)
    kept.keep_in_memory()
    assert kept.groups_without_ages == frozenset()
    assert totals(kept, "e") == GroupTotals(12, unaged=10)
    kept.committed("e", 0, 12, 12_000)
    kept.committed("e", 0, 13, 13_000)
    read_on(kept, 4)
    assert totals(kept, "e") == GroupTotals(13, ages(*passed(13_000, 12, 13)), unaged=12)


def test_in_memory_all_groups_are_aged(topic):
    """Nothing limits their number but what is followed."""
    for name in "abcdefgh":
        topic.committed(name, 0, 0, 10_000)
        topic.committed(name, 0, 4, 11_000)
    assert [totals(topic, name).aged.count for name in "abcdefh"] == [4] * 7
    assert (topic.captured(0), topic.groups_without_ages) == (None, frozenset())


def answers(*offsets, seen_at_ms, group="g"):
    """One answer of a group about partition 0 each."""
    return [CommittedOffsets(group, "orders", {0: offset}, seen_at_ms) for offset in offsets]


def gauge_of(policy=POLICY, **more):
    """A gauge of which 10 records were read."""
    gauge = StreamGauge(policy, "1" * 16, 1_000, **more)
    gauge.assigned("orders", {0: 0})
    gauge.fold(make_columns([EVENT_MS + n for n in range(10)]))
    return gauge


@pytest.mark.parametrize("interval_ms", [100, 1_000, 60_000])
def test_the_gauge_waits_as_long_as_it_asks(interval_ms):
    """And the grace, and says so."""
    gauge = gauge_of(replace(POLICY, poll_interval_ms=interval_ms))
    late_ms = interval_ms + GRACE_MS
    gauge.offsets(answers(2, seen_at_ms=0), FAR_ENDS)
    gauge.offsets(answers(3, seen_at_ms=late_ms), FAR_ENDS)
    gauge.offsets(answers(4, seen_at_ms=2 * late_ms + 1), FAR_ENDS)
    snapshot = gauge.tick(500_000).snapshot
    done = snapshot.totals.groups["g"]
    assert (done.aged.count, done.unaged) == (1, 1)
    assert snapshot.processed_resolution_ms == late_ms


def test_the_gauge_ages_before_it_forgets_what_is_deleted():
    """Both come with one poll, and the commit was fetched first."""
    gauge = gauge_of()
    gauge.offsets(answers(2, seen_at_ms=10_000), FAR_ENDS)
    log = LogOffsets("orders", {0: 6}, {0: 10}, 11_001)
    gauge.offsets(answers(5, None, 8, seen_at_ms=11_000), log)
    snapshot = gauge.tick(12_000).snapshot
    assert snapshot.totals.groups["g"] == GroupTotals(6, ages(*passed(11_000, 2, 5)), unaged=3)
    assert snapshot.ledger.exact_records == 10
    gauge.starts(replace(log, start={0: 10}))
    assert gauge.tick(12_000).snapshot.ledger == LedgerView()


def test_gauges_share_the_room_for_their_ledgers():
    """What one takes another one has not."""
    budget = LedgerBudget(exact_records=32)
    first, second = gauge_of(budget=budget), gauge_of(budget=budget)
    assert first.tick(2_000).snapshot.ledger == LedgerView(coarse_records=10)
    assert second.tick(2_000).snapshot.ledger == LedgerView(exact_records=10)


def test_the_gauge_keeps_places_for_named_groups():
    """A pattern has found others first."""
    gauge = gauge_of(kept=True)
    gauge.planted({("orders", 0): make_state("1")})
    found = [f"p-{number}" for number in range(6)]
    gauge.watch(found)
    gauge.capture(before_ms=0)
    for name in found:
        gauge.offsets(answers(2, seen_at_ms=10_000, group=name), FAR_ENDS)
    (captured,) = gauge.capture(before_ms=0)
    assert captured.takers == ("g", *found[:4])


class Oracle:
    """One group, record by record."""

    def __init__(self):
        self.first = self.highest = self.last = None
        self.seen_ms = None
        self.sights = {}
        """When a record was seen to be passed, None if nobody watched; of those not counted yet."""
        self.ages, self.unaged, self.again = [], 0, 0
        self.ledger_from = 0

    def commit(self, offset, now_ms):
        """A commit is seen, or that there is none."""
        watched = self.seen_ms is not None and now_ms - self.seen_ms <= PATIENCE_MS
        before, self.last = self.last, offset
        self.seen_ms = None if offset is None else now_ms
        if offset is None:
            return
        if self.first is None:
            self.first = self.highest = offset
        if before is not None:
            self.again += sum(1 for each in range(before, offset) if each < self.highest)
        for each in range(self.highest, offset):
            self.sights[each] = now_ms if watched else None
        self.highest = max(self.highest, offset)

    def count(self, position):
        """What was passed and read is counted."""
        for offset in [each for each in self.sights if each < position]:
            seen_ms = self.sights.pop(offset)
            if seen_ms is None or offset < self.ledger_from:
                self.unaged += 1
            else:
                self.ages.append(max(0, seen_ms - EVENT_MS - offset))

    def restarted(self, position):
        """Nobody has watched since then, and nothing is in the ledger."""
        again = deepcopy(self)
        again.last = again.seen_ms = None
        again.sights = dict.fromkeys(self.sights)
        again.ledger_from = position
        return again


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read", "commit", "commit", "commit", "gone", "store", "restart"]),
            st.integers(0, 12),
            st.sampled_from([900, 1_000, 1_100, 5_000]),
        ),
        max_size=50,
    )
)
def test_each_record_is_counted_once(steps):
    """With the age that it has record by record, whatever happens."""
    topic = Topic("orders", 0, kept=True)
    topic.assigned({0: 0})
    state, now_ms = make_state(), 10_000
    topic.planted(0, state)
    oracle, kept = Oracle(), Oracle()
    for what, number, later_ms in steps:
        now_ms += later_ms
        if what == "read":
            read_on(topic, number)
        elif what == "commit":
            offset = max(0, (oracle.highest or 0) + number - 4)
            oracle.commit(offset, now_ms)
            topic.committed("g", 0, offset, now_ms)
        elif what == "gone":
            oracle.commit(None, now_ms)
            topic.committed("g", 0, None, now_ms)
        elif what == "store":
            state, kept = stored(topic), deepcopy(oracle)
        else:
            topic = Topic("orders", now_ms, kept=True)
            topic.restored(0, state, ["g"])
            oracle = kept.restarted(state.position)
        oracle.count(topic.positions[0])
        groups = list(grown(topic.captured(0), None, ("e" * 16, 9)).state.groups.values())
        if oracle.first is None:
            assert groups == []
            continue
        (group,) = groups
        done = group.processed
        assert group.committed == oracle.highest - oracle.first
        assert done.ages == ages(*oracle.ages)
        assert (done.unaged, done.reprocessed) == (oracle.unaged, oracle.again)
        assert done.aged_to == oracle.first + done.ages.count + done.unaged
