"""Retention, or a log that is cut off, overtakes a group: each record is counted once, as lost."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.keeping import grown
from streamgauge.core.ledger import FirstRecord
from streamgauge.core.topic import Topic
from streamgauge.core.totals import GroupTotals
from streamgauge.core.worked import Worked

from .conftest import make_columns, make_state

EVENT_MS = 1_000


def read_on(topic, *offsets, next_offset=0):
    """The tail reads records at these offsets."""
    at = np.array(offsets, dtype=np.int64)
    columns = make_columns((EVENT_MS + at).tolist(), offsets=at)
    topic.fold(columns if not next_offset else make_columns([], next_offset=next_offset))


def totals(topic, group="g"):
    """What is counted of the group."""
    return topic.views()[0].totals.groups[group]


@pytest.fixture
def topic():
    """Records at 0, 2, 4 ... 38, of which the group has passed those before 11."""
    made = Topic("orders", 1_000)
    made.assigned({0: 0})
    read_on(made, *range(0, 40, 2))
    made.committed("g", 0, 4, 10_000)
    made.committed("g", 0, 11, 11_000)
    return made


def test_what_is_deleted_before_it_is_passed_is_lost(topic):
    """By the ledger, in which offsets without a record are none; each record once."""
    topic.deleted_before({0: 21, 7: 1})
    assert (topic.lost("g"), topic.lost("other"), topic.ledger_of(0).start) == (5, 0, 21)
    topic.deleted_before({0: 21})
    topic.deleted_before({0: 20})
    assert topic.lost("g") == 5
    topic.committed("g", 0, 11, 12_000)
    topic.deleted_before({0: 25})
    assert topic.lost("g") == 7
    topic.committed("g", 0, 30, 13_000)
    done = totals(topic)
    assert (done.committed, done.aged.count, done.unaged, done.reprocessed) == (7 + 5, 4 + 2, 0, 0)


@pytest.mark.parametrize(
    ("offset", "passed", "lost"), [(11, 0, 10), (17, 6, 4), (21, 10, 0), (26, 10 + 2, 0)]
)
def test_without_an_answer_about_a_group_nothing_is_lost_to_it(topic, offset, passed, lost):
    """It may have passed everything in time; its next answer tells, of deleted offsets."""
    topic.deleted_before({0: 0})
    topic.committed("g", 0, None, 12_000)
    topic.deleted_before({0: 15})
    topic.deleted_before({0: 21})
    assert (topic.lost("g"), totals(topic).unaged) == (0, 0)
    topic.committed("g", 0, offset, 600_000)
    assert (topic.lost("g"), totals(topic).unaged) == (lost, passed)
    topic.committed("g", 0, max(21, offset) + 2, 601_000)
    done = totals(topic)
    assert (done.unaged, done.aged.count, topic.lost("g")) == (passed, 4 + 1, lost)
    assert done.committed == max(21, offset) + 2 - 4 - lost


def test_a_rewind_of_which_nobody_saw_the_end_passes_nothing_that_is_deleted(topic):
    """Whether it was read again before that is not known."""
    topic.committed("g", 0, 0, 12_000)
    topic.deleted_before({0: 0})
    topic.deleted_before({0: 5})
    topic.committed("g", 0, 11, 30_000)
    assert (totals(topic).reprocessed, totals(topic).committed) == (3, 7)


def test_what_was_passed_before_it_is_deleted_is_not_lost(topic):
    """Retention runs behind most groups all the time."""
    topic.deleted_before({0: 11})
    topic.deleted_before({0: 12})
    assert topic.lost("g") == 0
    topic.committed("g", 0, 13, 12_000)
    assert (totals(topic).aged.count, topic.lost("g")) == (4 + 1, 0)


def test_a_group_that_stands_before_the_start_goes_on_where_the_log_begins(topic):
    """Its commit stays what it was until it moves, and nothing is passed again or at once."""
    topic.deleted_before({0: 21})
    for seen_at_ms, offset in ((12_000, 11), (13_000, 13), (14_000, 25), (15_000, 23)):
        topic.committed("g", 0, offset, seen_at_ms)
        topic.deleted_before({0: 21})
    done = totals(topic)
    assert (done.committed, done.aged.count, done.reprocessed) == (7 + 4, 4 + 2, 0)
    topic.committed("g", 0, 25, 16_000)
    assert (totals(topic).reprocessed, topic.lost("g")) == (1, 5)


def test_what_is_deleted_of_a_rewind_is_not_passed_again(topic):
    """The group cannot read it any more."""
    topic.committed("g", 0, 0, 12_000)
    topic.deleted_before({0: 5})
    topic.committed("g", 0, 11, 13_000)
    assert totals(topic).reprocessed == 3


def test_outside_of_the_ledger_each_offset_may_be_a_record(topic):
    """Where the start of the log was known before; what was gone before that was not seen lost."""
    new = Topic("orders", 1_000)
    new.assigned({0: 100})
    new.committed("g", 0, 10, 10_000)
    new.committed("late", 0, 130, 10_000)
    new.deleted_before({0: 40})
    assert new.lost("g") == 0
    new.committed("g", 0, 10, 11_000)
    new.deleted_before({0: 90})
    assert new.lost("g") == 50
    for name, offset in (("g", 10), ("newer", 10), ("late", 130)):
        new.committed(name, 0, offset, 12_000)
    new.deleted_before({0: 120})
    assert [new.lost(name) for name in ("g", "newer", "late")] == [80, 30, 0]
    assert (new.ledger_of(0).start, new.ledger_of(0).end) == (120, 120)


def test_what_waits_for_the_tail_is_not_lost(topic):
    """The group was quicker than the gauge, and retention than both of them."""
    topic.committed("g", 0, 50, 12_000)
    topic.deleted_before({0: 60})
    assert (topic.lost("g"), totals(topic).aged.count, totals(topic).unaged) == (10, 18, 11)
    topic.passed(0, 60, lost=20)
    read_on(topic, 60, 61)
    topic.committed("g", 0, 61, 13_000)
    assert (totals(topic).aged.count, totals(topic).unaged) == (19, 11)


def test_what_waits_for_the_tail_is_passed_though_its_records_are_gone(topic):
    """The group is beyond the start: of what it has passed some can still be read, and is aged."""
    topic.committed("g", 0, 50, 12_000)
    topic.deleted_before({0: 45})
    assert (totals(topic).aged.count, totals(topic).unaged, topic.lost("g")) == (18, 6, 0)
    topic.passed(0, 45, lost=6)
    read_on(topic, *range(45, 60))
    assert (totals(topic).aged.count, totals(topic).unaged, topic.lost("g")) == (23, 6, 0)


@pytest.mark.parametrize("is_told_first", [True, False])
@pytest.mark.parametrize(
    ("offset", "unaged", "lost"), [(11, 0, 45), (39, 28, 17), (50, 39, 6), (60, 45 + 4, 0)]
)
def test_what_the_tail_has_lost_too_stands_for_records(topic, is_told_first, offset, unaged, lost):
    """It is neither read nor without records, for each group as far as it had come."""
    topic.deleted_before({0: 0})
    if is_told_first:
        topic.deleted_before({0: 56})
    topic.passed(0, 56, lost=17)
    topic.deleted_before({0: 56})
    read_on(topic, *range(56, 61))
    topic.committed("g", 0, offset, 60_000)
    assert (totals(topic).unaged, topic.lost("g"), topic.ledger_of(0).start) == (unaged, lost, 56)
    topic.committed("g", 0, 61, 61_000)
    done = totals(topic)
    assert (done.aged.count, done.unaged) == (4 + (61 - max(offset, 56)), unaged)


def test_what_was_passed_waits_with_its_time_for_what_the_tail_goes_on_with(topic):
    """Of the range that the tail has lost nothing is read."""
    topic.committed("g", 0, 50, 12_000)
    topic.committed("h", 0, 60, 12_000)
    topic.passed(0, 48, lost=9)
    assert (totals(topic).aged.count, totals(topic).unaged) == (4 + 14, 9)
    read_on(topic, *range(48, 60))
    assert (totals(topic).aged.count, totals(topic).unaged) == (4 + 14 + 2, 9)


def kept_topic():
    """A topic whose state is kept, with the group at 5 of 20."""
    made = Topic("orders", 1_000, kept=True)
    made.assigned({0: 0})
    made.planted(0, make_state())
    read_on(made, *range(20))
    made.committed("g", 0, 5, 10_000)
    return made


def stored(topic):
    """What is stored of it now."""
    state = grown(topic.captured(0), None, ("e" * 16, 2)).state
    topic.settled(topic.captured(0), state, ["g"])
    return state


def test_what_is_lost_while_the_gauge_is_away_is_told_too():
    """The start of the log is seen after the restart."""
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, stored(kept_topic()), ["g"])
    again.deleted_before({0: 12})
    assert (again.lost("g"), again.is_due(0, 0)) == (0, False)
    again.committed("g", 0, 5, 21_000)
    assert (again.lost("g"), again.is_due(0, 0)) == (7, True)
    again.committed("g", 0, 14, 22_000)
    stored(again)
    assert totals(again) == GroupTotals(2, unaged=2)


def test_what_is_lost_is_lost_once_also_after_a_restart():
    """The state says that the group goes on behind it, whoever is found later."""
    topic = kept_topic()
    topic.deleted_before({0: 12})
    state = stored(topic)
    for names in (["g"], []):
        again = Topic("orders", 20_000, kept=True)
        again.restored(0, state, names)
        again.deleted_before({0: 12})
        again.committed("g", 0, 5, 21_000)
        assert again.lost("g") == 0
        again.deleted_before({0: 14})
        assert again.lost("g") == 2


@pytest.mark.parametrize("names", [["g"], []])
@pytest.mark.parametrize(("offset", "passed", "lost"), [(5, 0, 7), (9, 4, 3), (12, 7, 0)])
def test_what_a_group_passed_while_the_gauge_was_away_is_not_lost(names, offset, passed, lost):
    """Though the start of the log is seen before its first answer, and before its name is found."""
    again = Topic("orders", 20_000, kept=True)
    again.restored(0, stored(kept_topic()), names)
    again.deleted_before({0: 12})
    again.committed("g", 0, offset, 21_000)
    stored(again)
    assert (totals(again), again.lost("g")) == (GroupTotals(passed, unaged=passed), lost)


def test_a_log_that_was_cut_off_forgets_what_was_behind(topic):
    """What is before stays known; the group goes on from the end with other records."""
    topic.committed("g", 0, 39, 12_000)
    topic.truncated(0, 21)
    ledger = topic.ledger_of(0)
    assert (topic.positions, ledger.end, ledger.count(0, 21)) == ({0: 21}, 21, 11)
    assert ledger.first_record(15) == FirstRecord(16, EVENT_MS + 16, 0)
    topic.truncated(0, 30)
    topic.committed("g", 0, None, 13_000)
    read_on(topic, 21, 22, 23)
    topic.committed("g", 0, 22, 14_000)
    topic.committed("g", 0, 24, 15_000)
    done = totals(topic)
    assert (done.committed, done.aged.count, done.unaged) == (35 + 3, 18 + 2, 1)


def test_a_life_after_the_log_was_cut_off_goes_on_with_what_is_still_true():
    """Also where what is stored lies behind the end."""
    topic = kept_topic()
    stored(topic)
    topic.truncated(0, 15)
    renewed = topic.renewed(20_000)
    assert (renewed.positions, renewed.ledger_of(0).count(0, 15)) == ({0: 15}, 15)
    renewed.committed("g", 0, 5, 21_000)
    renewed.committed("g", 0, 9, 22_000)
    renewed.planted(0, make_state("b", 15))
    stored(renewed)
    assert totals(renewed).aged.count == 4


def test_what_waited_beyond_the_new_end_was_not_passed(topic):
    """Of the same offsets other records may come."""
    topic.committed("g", 0, 60, 12_000)
    topic.truncated(0, 30)
    read_on(topic, *range(30, 70))
    assert totals(topic).aged.count == 18
    topic.committed("g", 0, 40, 13_000)
    topic.committed("g", 0, 50, 14_000)
    assert (totals(topic).aged.count, totals(topic).unaged) == (28, 10)


def test_a_commit_beyond_the_end_is_none_and_shows_nothing(topic):
    """It is handed over as such: of a record that comes later nobody has seen when it is passed."""
    topic.committed("g", 0, None, 11_500)
    read_on(topic, *range(40, 60))
    topic.committed("g", 0, 50, 12_000)
    done = totals(topic)
    assert (done.committed, done.aged.count, done.unaged) == (46, 4, 25 - 1)
    assert topic.worked("g").records == 4
    assert topic.worked("other") == Worked()
