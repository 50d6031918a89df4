"""The ledger against a dictionary that remembers everything, and its limits."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streamgauge.core.coarse_block import BINS
from streamgauge.core.exact_block import BLOCK_RECORDS
from streamgauge.core.ledger import FirstRecord, Ledger, LedgerBudget
from streamgauge.model import UNKNOWN

FAR = 1 << 40
"""Offsets may jump: a topic was compacted, or records were deleted."""
STEPS = [1, 1, 1, 2, 9, 300, 70_000, FAR]
times = st.one_of(st.just(UNKNOWN), st.integers(0, 10_000), st.integers(10**12, 10**13))


def add(ledger, records, next_offset=0):
    """Records given as (offset, event time) or (offset, event time, arrival time)."""
    rows = [(*record, UNKNOWN)[:3] for record in records]
    ledger.add(*np.array(rows, dtype=np.int64).reshape(-1, 3).T, next_offset)


def read(ledger, first, end):
    """Event times as one list."""
    return [event_ms for part in ledger.read(first, end) for event_ms in part.event_ms.tolist()]


def arrivals(ledger, first, end):
    """Arrival times as one list."""
    return [at for part in ledger.read(first, end) for at in part.arrived_ms.tolist()]


def filled(count, budget=None, first=0, step_ms=10):
    """A ledger with records at consecutive offsets, one every step."""
    ledger = Ledger(budget or LedgerBudget(), first)
    add(ledger, [(first + n, 1_000 + n * step_ms) for n in range(count)])
    return ledger


class LedgerModel(RuleBasedStateMachine):
    """Two partitions that share little room, each beside a dictionary."""

    exact_records, coarse_blocks = 160, 3

    def __init__(self):
        super().__init__()
        self.budget = LedgerBudget(self.exact_records, self.coarse_blocks)
        self.ledgers = [Ledger(self.budget, 0), Ledger(self.budget, 7)]
        self.records = [{}, {}]
        self.added = [0, 0]
        self.forgotten = False
        """Whether something was forgotten: then the sums of the limits do not hold any more."""
        self.cut = [False, False]
        """Whether a log was cut off: then more was added than there are records."""

    @rule(
        number=st.integers(0, 1),
        steps=st.lists(st.tuples(st.sampled_from(STEPS), times), max_size=90),
        trailing=st.integers(0, 3),
    )
    def add(self, number, steps, trailing):
        """A poll brings records, and perhaps control records after them."""
        ledger, at, records = self.ledgers[number], self.ledgers[number].end, []
        for step, event_ms in steps:
            records.append((at + step - 1, event_ms))
            at += step
        add(ledger, records, at + trailing)
        assert ledger.end == at + trailing
        self.records[number].update(records)
        self.added[number] += len(records)

    @rule(number=st.integers(0, 1), back=st.integers(1, 40), event_ms=times)
    def read_again(self, number, back, event_ms):
        """What was read before comes again, and is known already."""
        ledger = self.ledgers[number]
        again = [(at, event_ms) for at in range(max(0, ledger.end - back), ledger.end)]
        add(ledger, [*again, (ledger.end, event_ms)])
        self.records[number][ledger.end - 1] = event_ms
        self.added[number] += 1

    @rule(number=st.integers(0, 1), share=st.floats(0, 1.2))
    def delete(self, number, share):
        """Retention deletes the oldest records, or more than was read."""
        ledger = self.ledgers[number]
        before = ledger.start
        start = ledger.start + round(share * (ledger.end - ledger.start))
        ledger.forget_before(start)
        assert ledger.start == max(before, start)
        self.forgotten = True

    @rule(number=st.integers(0, 1), share=st.floats(0.5, 1))
    def cut_off(self, number, share):
        """The log ends earlier, and other records may follow."""
        ledger = self.ledgers[number]
        end = ledger.start + round(share * (ledger.end - ledger.start))
        ledger.forget_from(end)
        assert (ledger.start <= end, ledger.end) == (True, end)
        of = self.records[number]
        self.records[number] = {at: event_ms for at, event_ms in of.items() if at < end}
        self.cut[number] = self.forgotten = True

    @rule(number=st.integers(0, 1))
    def forget(self, number):
        """The log is another one."""
        self.ledgers[number].forget()
        assert read(self.ledgers[number], 0, 2 * FAR) == []
        self.forgotten = True

    @rule(number=st.integers(0, 1), shares=st.lists(st.floats(0, 1), min_size=2, max_size=5))
    def look(self, number, shares):
        """Whatever the parts are in which a range is read, each record is in one of them."""
        ledger = self.ledgers[number]
        span = max(0, ledger.end - ledger.start)
        cuts = sorted(ledger.start + round(share * span) for share in shares)
        parts = list(pairwise(cuts))
        whole, known = (of(ledger, number, cuts[0], cuts[-1]) for of in (self.told, self.known))
        assert sum(len(read(ledger, *part)) for part in parts) == len(whole) == len(known)
        for part in parts:
            assert ledger.count(*part) == len(self.known(ledger, number, *part))
        if not ledger.coarse_records:
            assert whole == known
        for cut in cuts:
            self.first_record(number, cut)

    def first_record(self, number, offset):
        """Its offset is exact, and its event time as exact as it says."""
        ledger = self.ledgers[number]
        found, later = ledger.first_record(offset), sorted(self.records[number])
        later = [each for each in later if offset <= each < ledger.end]
        if not later:
            assert found is None
            return
        event_ms = self.records[number][later[0]]
        assert (found.offset, found.event_ms == UNKNOWN) == (later[0], event_ms == UNKNOWN)
        assert abs(found.event_ms - event_ms) <= found.error_ms
        if not ledger.coarse_records:
            assert found.error_ms == 0

    def told(self, ledger, _, first, end):
        """What the ledger tells."""
        return read(ledger, first, end)

    def known(self, _, number, first, end):
        """What the dictionary has, in order."""
        of = self.records[number]
        return [of[offset] for offset in sorted(of) if first <= offset < end]

    @invariant()
    def everything_is_known_within_the_error(self):
        """From the start to the end of the ledger."""
        for number, ledger in enumerate(self.ledgers):
            told = read(ledger, ledger.start, ledger.end)
            truth = self.known(ledger, number, ledger.start, ledger.end)
            assert [each == UNKNOWN for each in told] == [each == UNKNOWN for each in truth]
            if not self.cut[number]:
                apart = np.abs(np.sort(told) - np.sort(truth))
                assert int(apart.max(initial=0)) <= self.budget.error_ms
            if not self.forgotten:
                assert ledger.exact_records + ledger.coarse_records == len(truth)
        if not self.forgotten:
            kept = sum(each.exact_records + each.coarse_records for each in self.ledgers)
            assert self.budget.dropped_records == sum(self.added) - kept

    @invariant()
    def the_limits_hold(self):
        """Of both together."""
        exact = sum(ledger.exact_records for ledger in self.ledgers)
        assert exact <= self.budget.used_records <= self.exact_records
        assert self.budget.used_blocks <= self.coarse_blocks
        assert sum(ledger.coarse_records for ledger in self.ledgers) <= 3 * BLOCK_RECORDS


LedgerModel.TestCase.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLedger = LedgerModel.TestCase


def test_records_are_exact_while_there_is_room():
    """Read by offsets, whatever was added with what."""
    ledger = filled(2_000, budget := LedgerBudget())
    assert read(ledger, 700, 1_500) == [1_000 + n * 10 for n in range(700, 1_500)]
    assert (budget.error_ms, ledger.start, ledger.end) == (0, 0, 2_000)
    assert (ledger.count(700, 1_500), ledger.exact_records) == (800, 2_000)


def test_much_is_read_in_parts_of_some_thousand():
    """What is told at once has a limit, however far a group is behind."""
    parts = list(filled(40_000).read(0, 40_000))
    sizes = [len(part.event_ms) for part in parts]
    assert sum(sizes) == 40_000
    assert max(sizes) <= 8_192 + BLOCK_RECORDS


@pytest.mark.parametrize("step", [1, 100])
def test_a_record_takes_at_most_16_bytes(step):
    """With all that is around it, also while blocks are not full yet."""
    ledger, sizes = Ledger(LedgerBudget(), 0), {}
    tracemalloc.start()
    for count in (100_000, 123_456):
        at = np.arange(ledger.exact_records, count)
        ledger.add(step * at, 1_000 + at, 1_100 + at, 0)
        del at
        sizes[count], _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ledger.exact_records == 123_456
    assert all(14 * count < size <= 16 * count for count, size in sizes.items())


@pytest.mark.parametrize("step", [1, 2, 120, 100_000])
def test_memory_has_a_ceiling_whatever_gaps_there_are(step):
    """A coarse block whose offsets have gaps counts as more than one."""
    budget = LedgerBudget(exact_records=512, coarse_blocks=400)
    ledger, at = Ledger(budget, 0), np.arange(512)
    tracemalloc.start()
    for _ in range(500):
        ledger.add(ledger.end + step * at, 1_000 + at, 1_100 + at, 0)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert budget.used_blocks > 390
    assert size < 400 * 1_000 + 60_000


def test_room_is_taken_as_it_is_needed_and_given_back():
    """A new block is small, and what it has memory for is counted."""
    budget = LedgerBudget(exact_records=1_000)
    ledger = filled(600, budget)
    assert budget.used_records == 512 + 128
    ledger.forget()
    assert (budget.used_records, budget.used_blocks) == (0, 0)


def test_where_offsets_are_outside_of_the_ledger_each_counts_as_a_record():
    """Nobody knows how many records there were."""
    ledger = filled(10, first=100)
    add(ledger, [(115, 1), (117, 2)], 120)
    assert ledger.count(90, 130) == 10 + 12 + 10
    assert (ledger.count(0, 50), ledger.count(200, 300), ledger.count(105, 105)) == (50, 100, 0)
    assert read(ledger, 90, 130) == [1_000 + n * 10 for n in range(10)] + [1, 2]


@pytest.mark.parametrize("count", [1, BINS, BINS + 1, BLOCK_RECORDS])
def test_a_coarse_block_knows_its_event_times_to_half_a_bin(count):
    """As many bins as there are, each with equally many records; few records are all exact."""
    ledger = filled(count, budget := LedgerBudget(exact_records=512))
    other = filled(512, budget)
    assert (ledger.coarse_records, other.exact_records) == (count, 512)
    told = np.array(read(ledger, 0, count))
    truth = 1_000 + 10 * np.arange(count)
    assert int(np.abs(told - truth).max()) <= budget.error_ms
    assert budget.error_ms == (0 if count <= BINS else 5 if count == BINS + 1 else 75)


def test_of_a_part_of_a_coarse_block_less_is_known():
    """Which records are the first is forgotten: the error that is told is all of its range."""
    ledger = filled(512, budget := LedgerBudget(exact_records=512))
    filled(512, budget)
    assert (len(read(ledger, 0, 100)), budget.error_ms) == (100, 5_110)


@settings(deadline=None)
@given(st.permutations(range(200)), st.integers(0, 200), st.integers(0, 200))
def test_no_event_time_of_a_part_is_further_off_than_told(order, first, end):
    """Also where event times do not follow the offsets."""
    ledger = Ledger(budget := LedgerBudget(exact_records=256), 0)
    add(ledger, [(offset, 1_000 * event) for offset, event in enumerate(order)])
    filled(256, budget)
    truth = [1_000 * event for event in order[first:end]]
    told = read(ledger, first, end)
    assert ledger.coarse_records == 200
    assert len(told) == len(truth)
    assert np.abs(np.sort(told) - np.sort(truth)).max(initial=0) <= budget.error_ms


def test_what_was_not_added_to_for_the_longest_time_becomes_coarse_first():
    """A quiet partition keeps its newest records as long as those of a busy one are older."""
    budget = LedgerBudget(exact_records=1_024)
    quiet, busy = filled(1, budget), filled(512, budget)
    add(quiet, [(1, 7)])
    add(busy, [(512 + n, 9) for n in range(600)])
    assert (quiet.exact_records, quiet.coarse_records) == (2, 0)
    assert (busy.exact_records, busy.coarse_records) == (600, 512)


def test_beyond_the_second_limit_the_oldest_is_dropped_and_counted():
    """And the ledger begins after it."""
    ledger = filled(512 * 6, budget := LedgerBudget(exact_records=1_024, coarse_blocks=3))
    assert (ledger.exact_records, ledger.coarse_records) == (1_024, 3 * 512)
    assert (budget.dropped_records, ledger.start) == (512, 512)
    assert len(read(ledger, 0, 512 * 6)) == 512 * 5
    assert ledger.count(0, 512 * 6) == 512 * 6


def test_what_was_deleted_before_it_was_dropped_was_not_dropped():
    """Each record is lost once."""
    ledger = filled(512 * 4, budget := LedgerBudget(exact_records=1_024, coarse_blocks=2))
    ledger.forget_before(200)
    add(ledger, [(512 * 4 + n, 1) for n in range(512)])
    assert (budget.dropped_records, ledger.start) == (312, 512)


def test_what_retention_has_deleted_is_known_no_more():
    """To the record, and of it nothing was dropped by a limit."""
    budget = LedgerBudget(exact_records=1_024)
    ledger = filled(2_048, budget)
    used = budget.used_records, budget.used_blocks
    ledger.forget_before(1_500)
    assert used == (1_024, 2)
    assert (budget.used_records, budget.used_blocks) == (1_024, 0)
    assert (read(ledger, 0, 1_502), ledger.start) == ([16_000, 16_010], 1_500)
    ledger.forget_before(1_000)
    assert (ledger.start, budget.dropped_records) == (1_500, 0)
    ledger.forget_before(3_000)
    add(ledger, [(3_000, 5), (3_001, 6)])
    assert (read(ledger, 0, 4_000), budget.used_records) == ([5, 6], 32)


def test_offsets_that_lie_far_apart_begin_another_block():
    """A block has 32 bits for the distance from its first offset."""
    ledger = Ledger(budget := LedgerBudget(), 0)
    records = [(0, 1), (2**32 - 1, 2), (2**32, 3), (2**40, 4)]
    add(ledger, records)
    assert read(ledger, 0, 2**41) == [1, 2, 3, 4]
    assert [ledger.count(offset, offset + 1) for offset, _ in records] == [1, 1, 1, 1]
    assert (ledger.count(1, 2**32 - 1), budget.used_records) == (0, 3 * 32)


@pytest.mark.parametrize("gap", [1, 2, 3, 15, 40, 1_000, 1_000_000])
def test_how_many_records_lie_before_an_offset_stays_exact(gap):
    """Wherever the gap is: also when a block becomes coarse between two looks at it."""
    offsets = [*range(10), *range(9 + gap, 9 + gap + 502)]
    looks = [0, 5, 9, 10, 8 + gap, 9 + gap, 10 + gap, 400 + gap, 511 + gap]
    ledger = Ledger(budget := LedgerBudget(exact_records=512), 0)
    add(ledger, [(at, 7) for at in offsets])
    before = [ledger.count(0, at) for at in looks]
    filled(512, budget)
    assert ledger.coarse_records == 512
    assert [ledger.count(0, at) for at in looks] == before
    assert before == [sum(1 for at in offsets if at < look) for look in looks]


def test_the_first_record_that_is_left_to_read():
    """Past offsets without a record, to the end of what was read."""
    ledger = Ledger(LedgerBudget(), 100)
    add(ledger, [(100, 7), (103, UNKNOWN), (110, 9)], 115)
    assert [ledger.first_record(at) for at in (100, 101, 104)] == [
        FirstRecord(100, 7, 0),
        FirstRecord(103, UNKNOWN, 0),
        FirstRecord(110, 9, 0),
    ]
    assert [ledger.first_record(at) for at in (111, 115)] == [None, None]
    for outside in (99, 116):
        with pytest.raises(ValueError, match=rf"offset {outside} is not in \[100, 115\]"):
            ledger.first_record(outside)


def test_the_first_record_of_a_coarse_block_is_known_exactly():
    """The others lie somewhere between the least and the greatest event time."""
    ledger = Ledger(budget := LedgerBudget(exact_records=512), 0)
    add(ledger, [(10 + 3 * n, 5_000 if n == 0 else 1_000 + n) for n in range(400)])
    add(ledger, [(10 + 3 * n, UNKNOWN) for n in range(400, 512)])
    filled(512, budget)
    assert (ledger.coarse_records, ledger.first_record(4)) == (512, FirstRecord(10, 5_000, 0))
    found = ledger.first_record(11)
    assert (found.offset, found.error_ms) == (13, 3_999)
    assert ledger.first_record(10 + 3 * 400 - 1) == FirstRecord(1_210, UNKNOWN, 0)


def test_arrivals_are_known_exactly_and_then_by_their_mean():
    """As many as there were, within 24 days of the first one."""
    ledger = Ledger(budget := LedgerBudget(exact_records=512), 0)
    day_ms = 86_400_000
    far = [(256, 0, 10**12 - 25 * day_ms), (257, 0, 10**12 + 25 * day_ms)]
    near = [(n, 0, 10**12 + n * 1_000 if n % 2 else UNKNOWN) for n in range(1, 256)]
    add(ledger, [(0, UNKNOWN, UNKNOWN), *near, *far])
    exact = arrivals(ledger, 0, 300)
    assert exact == [UNKNOWN, *(at for _, _, at in near), UNKNOWN, UNKNOWN]
    filled(512, budget)
    coarse = arrivals(ledger, 0, 100) + arrivals(ledger, 100, 300)
    assert [at for at in coarse if at != UNKNOWN] == [10**12 + 128_000] * 128


def test_arrivals_may_be_known_later_only():
    """While it caught up the tail saw none; afterwards it lost sight again."""
    ledger = Ledger(LedgerBudget(), 0)
    came_ms = [UNKNOWN, UNKNOWN, 7_000, 8_000, UNKNOWN, 9_000]
    for offset, arrived_ms in enumerate(came_ms):
        add(ledger, [(offset, 5, arrived_ms)])
        assert arrivals(ledger, 0, 6) == came_ms[: offset + 1]


def test_a_log_that_was_cut_off_goes_on_with_other_records():
    """What lies before stays known, of exact and of coarse blocks."""
    ledger = filled(512 * 3, LedgerBudget(exact_records=1_024))
    ledger.forget_from(600)
    add(ledger, [(601, 5), (602, 6)])
    assert (ledger.exact_records, read(ledger, 598, 900)) == (90, [6_980, 6_990, 5, 6])
    ledger.forget_from(100)
    assert (ledger.coarse_records, ledger.exact_records, ledger.end) == (100, 0, 100)
    add(ledger, [(103, 8)], 110)
    assert (ledger.count(90, 110), read(ledger, 100, 110)) == (11, [8])
    assert ledger.first_record(100) == FirstRecord(103, 8, 0)


def test_the_start_never_goes_back():
    """What is deleted before it was read is not remembered, though it may still be handed over."""
    ledger = Ledger(LedgerBudget(exact_records=32, coarse_blocks=1), 0)
    ledger.forget_before(1_000)
    for first in range(0, 1_600, 4):
        add(ledger, [(first + n, 7) for n in range(4)])
        assert ledger.start >= 1_000
    assert len(read(ledger, 0, 1_600)) == 1_600 - ledger.start <= 512 + 32


def test_the_price_of_the_limits_outlives_a_ledger():
    """What was told of the process must not shrink when a topic begins anew."""
    budget = LedgerBudget(exact_records=512, coarse_blocks=1)
    ledger = filled(512 * 4, budget)
    read(ledger, 512 * 2, 512 * 2 + 9)
    price = budget.dropped_records, budget.error_ms
    ledger.forget()
    filled(1, budget)
    assert (budget.dropped_records, budget.error_ms) == price == (1_024, 5_110)
