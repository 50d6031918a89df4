"""Whatever happens to offsets, blocks, commits and retention: each record is counted once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgauge.core.ledger import LedgerBudget
from streamgauge.core.topic import Topic
from streamgauge.core.undecodable import UNDECODABLE, Undecoded

from .conftest import make_columns

GAPS = [0, 0, 0, 0, 1, 3, 40, 5_000, 70_000]
polls = st.lists(st.tuples(st.sampled_from(GAPS), st.integers(1, 90)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(
            polls.map(lambda runs: ("read", runs)),
            st.tuples(st.just("commit"), st.integers(-40, 400)),
            st.tuples(st.just("commit"), st.integers(-40, 400)),
            st.tuples(st.just("delete"), st.integers(0, 200)),
            st.just(("other", None)),
        ),
        max_size=40,
    ),
    st.sampled_from([32, 64, 512]),
)
def test_what_is_passed_lost_and_left_are_all_records(steps, exact_records):
    """Records in runs with gaps between them, with room for a few exact ones."""
    budget = LedgerBudget(exact_records, coarse_blocks=10_000)
    topic = Topic("orders", 0, budget=budget)
    topic.assigned({0: 0, 1: 0})
    topic.committed("g", 0, 0, 1_000)
    topic.deleted_before({0: 0})
    records, now_ms, highest, start = [], 1_000, 0, 0
    passed, lost, offset = set(), set(), 0
    for what, how in steps:
        at = topic.positions[0]
        if what == "read":
            new = []
            for gap, count in how:
                first = at + gap
                new += range(first, first + count)
                at = first + count
            topic.fold(make_columns([500] * len(new), offsets=np.array(new), next_offset=at + 1))
            records += new
        elif what == "other":  # takes the room of the first one
            first = topic.positions[1]
            topic.fold(make_columns([500] * 40, partition=1, first_offset=first))
        elif what == "commit":
            offset, now_ms = max(0, min(at, highest + how)), now_ms + 1_000
            topic.committed("g", 0, offset, now_ms)
            passed |= {each for each in records if start <= each < offset} - lost
            highest = max(highest, offset)
        else:
            start = min(at, start + how)
            topic.committed("g", 0, offset, now_ms)
            topic.deleted_before({0: start})
            lost |= {each for each in records if each < start} - passed
            highest = max(highest, start)
    done = topic.views()[0].totals.groups["g"]
    left = topic.ledger_of(0).count(highest, topic.positions[0])
    assert (done.aged.count + done.unaged, topic.lost("g")) == (len(passed), len(lost))
    assert done.aged.count + done.unaged + topic.lost("g") + left == len(records)
    assert done.unaged == 0


class FullLog:
    """A log in which every offset is a record, so that a record is counted wherever one is."""

    def __init__(self):
        self.topic = Topic("orders", 0)
        self.topic.assigned({0: 0})
        self.topic.deleted_before({0: 0})
        self.now_ms = 1_000
        self.start = 0
        """Where the log begins."""
        self.told_start = 0
        self.refilled_to = None
        self.began()

    def began(self):
        """A life has begun: of the group nothing was seen."""
        self.highest = self.first = None
        self.passed = self.lost = 0
        self.answered = False

    @property
    def position(self):
        """Of the tail."""
        return self.topic.positions[0]

    def read(self, count):
        """The tail reads on, or learns that it was overtaken."""
        self.refilled_to = None
        if self.position < self.start:
            self.topic.passed(0, self.start, lost=self.start - self.position)
        self.topic.fold(make_columns([500] * count, first_offset=self.position))

    def broken(self, count):
        """The tail passes what cannot be decoded."""
        self.read(0)
        self.topic.undecodable(0, self.position, count)
        self.topic.passed(0, self.position + count)

    def commit(self, by):
        """A commit is answered, before or after the highest one and the position."""
        self.now_ms += 1_000
        offset = max(0, min(self.position + 50, (self.highest or 0) + by))
        self.topic.committed("g", 0, offset, self.now_ms)
        if self.first is None:
            self.first = self.highest = max(offset, self.told_start)
        self.passed += max(0, offset - self.highest)
        self.highest = max(self.highest, offset)
        self.overtaken()
        self.answered = True

    def overtaken(self):
        """Retention was quicker than the group."""
        self.lost += max(0, self.told_start - self.highest)
        self.highest = max(self.highest, self.told_start)

    def no_commit(self, _):
        """An answer shows none."""
        self.topic.committed("g", 0, None, self.now_ms)

    def delete(self, count):
        """Retention deletes records, perhaps those that the tail has not read."""
        self.start = min(self.start + count, self.position + 30)

    def end_round(self, _):
        """It is told where the log begins."""
        self.told_start = self.start
        self.topic.deleted_before({0: self.start})
        if self.answered:
            self.overtaken()
        self.answered = False

    def refill(self, back):
        """The ledger is filled anew."""
        self.refilled_to = max(0, self.position - back)
        self.topic.refill(0, self.refilled_to)

    def read_again(self, count):
        """Some more of that, of which nothing can be decoded if it is much."""
        if self.refilled_to is None:
            return
        if self.refilled_to < self.start:
            self.refilled_to = self.start
            self.topic.refill_lost(0, self.start)
        first, self.refilled_to = self.refilled_to, self.refilled_to + count
        readable = 0 if count > 100 else count
        columns = make_columns([500] * readable, first_offset=first, next_offset=first + count)
        self.topic.refilled(columns, [Undecoded(first, count)] if count > 100 else [])

    def end_refill(self, _):
        """Wherever it is."""
        self.topic.refill_ended(0)
        self.refilled_to = None

    def begin_life(self, _):
        """Another topic was created anew, say."""
        self.topic = self.topic.renewed(self.now_ms)
        self.refilled_to = None
        self.began()

    def check(self):
        """What is passed, lost and to be read is everything; the rest may wait for the tail."""
        topic = self.topic
        assert topic.ledger_of(0).count(0, self.position) == self.position
        if self.first is None:
            return
        done = topic.views()[0].totals.groups["g"]
        counted = done.aged.count + done.unaged
        assert (done.committed, topic.lost("g")) == (self.passed, self.lost)
        assert counted == self.passed or (
            counted < self.passed and (self.refilled_to is not None or self.highest > self.position)
        )


STEPS = {
    FullLog.read: st.integers(0, 90),
    FullLog.broken: st.sampled_from([1, 9, UNDECODABLE + 1]),
    FullLog.commit: st.integers(-40, 90),
    FullLog.no_commit: st.none(),
    FullLog.delete: st.integers(1, 120),
    FullLog.end_round: st.none(),
    FullLog.refill: st.sampled_from([0, 40, 120, UNDECODABLE + 90]),
    FullLog.read_again: st.sampled_from([7, 50, 100, 9_000, UNDECODABLE + 1]),
    FullLog.end_refill: st.none(),
    FullLog.begin_life: st.none(),
}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(*(st.tuples(st.just(step), how) for step, how in STEPS.items())), max_size=50
    )
)
def test_of_a_log_without_gaps_each_offset_is_counted_once(steps):
    """Whoever was overtaken by retention, whoever was not answered, and whenever a life begins."""
    log = FullLog()
    for step, how in steps:
        step(log, how)
        log.check()
    log.read(max(0, (log.highest or 0) - log.position))
    log.check()
