"""What a group has still to read of a partition: every rule, with and without a ledger."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.ledger import FirstRecord, Ledger, LedgerBudget
from streamgauge.core.lookups import COMPACTED_HOLDS_MS, Found, Lookups
from streamgauge.core.unread import PartitionLog, unread
from streamgauge.model import UNKNOWN as NO_TIME
from streamgauge.model import LagBound

EXACT, UPPER, LOWER, UNKNOWN = LagBound.EXACT, LagBound.UPPER, LagBound.LOWER, LagBound.UNKNOWN
NOW_MS = 1_000_000


def ledger(*offsets, start=None, end=None, budget=None):
    """A ledger that knows these offsets; the event at offset n lies n seconds after 0."""
    known = Ledger(budget or LedgerBudget(), offsets[0] if start is None else start)
    column = np.array(offsets, dtype=np.int64)
    after = offsets[-1] + 1 if end is None else end
    known.add(column, column * 1_000, np.full(len(column), NO_TIME), after)
    return known


def told(committed, start, end, known=None, *, is_compacted=False, lookups=None, at_ms=NOW_MS):
    """Lag and its bound, time lag and its bound, first offset, what is to be looked up."""
    log = PartitionLog(start, end, known, lookups or Lookups(), 0, is_compacted)
    of = unread(committed, log, at_ms)
    return (
        of.lag,
        of.lag_bound,
        of.time_lag_seconds,
        of.time_lag_bound,
        of.first_offset,
        of.look_up,
    )


NOTHING_KNOWN = (None, UNKNOWN, None, UNKNOWN, None, None)
NOTHING_LEFT = (0, EXACT, 0.0, EXACT, None, None)


@pytest.mark.parametrize(
    ("committed", "start", "end", "expected", "why"),
    [
        (5, 0, None, NOTHING_KNOWN, "no end, no lag"),
        (None, 0, 9, NOTHING_KNOWN, "nobody knows where an uncommitted group will read from"),
        (None, 7, 7, NOTHING_LEFT, "but where the log holds nothing there is nothing to read"),
        (None, None, 7, NOTHING_KNOWN, "unless its start is not known"),
        (10, 0, 9, NOTHING_KNOWN, "a commit beyond the end belongs to another log"),
        (5, 10, 9, NOTHING_KNOWN, "and so does a start: a lag is never negative"),
        (9, 0, 9, NOTHING_LEFT, "caught up"),
        (2, 9, 9, NOTHING_LEFT, "when retention deleted everything nothing is left"),
        (10, None, 9, NOTHING_KNOWN, "without a start a commit beyond the end stays what it is"),
        (8, 0, 9, (1, UPPER, None, UNKNOWN, None, None), "one offset may be a control record"),
        (2, 5, 9, (4, UPPER, None, UNKNOWN, None, None), "what is deleted cannot be read"),
        (5, 5, 9, (4, UPPER, None, UNKNOWN, None, None), "a commit at the start"),
        (2, None, 9, (7, UPPER, None, UNKNOWN, None, None), "an unknown start can only add"),
    ],
)
def test_without_a_ledger_only_offsets_are_known(committed, start, end, expected, why):
    """The first four rules."""
    assert told(committed, start, end) == expected, why


@pytest.mark.parametrize(
    ("committed", "start", "end", "known", "expected", "why"),
    [
        (4, 0, 8, ledger(*range(8)), (4, EXACT, 996.0, EXACT, 4, None), "every record is known"),
        (4, 6, 8, ledger(*range(8)), (2, EXACT, 994.0, EXACT, 6, None), "from the log's start on"),
        (4, 0, 8, ledger(0, 3, 6, 7, start=0), (2, EXACT, 994.0, EXACT, 6, None), "gaps are none"),
        (4, 0, 6, ledger(0, 3, start=0, end=6), NOTHING_LEFT, "only control records are left"),
        (4, 0, 6, ledger(0, 3, 7, start=0), NOTHING_LEFT, "what came after the answer is not lag"),
        (4, 0, 9, ledger(*range(7)), (5, UPPER, 996.0, EXACT, 4, None), "the tail is behind"),
        (7, 0, 9, ledger(*range(7)), (2, UPPER, None, UNKNOWN, None, 7), "it is not there yet"),
        (5, 0, 9, ledger(0, 3, start=0, end=7), (2, UPPER, None, UNKNOWN, None, 7), "nor further"),
        (
            2,
            0,
            9,
            ledger(*range(4, 9)),
            (7, UPPER, 996.0, LOWER, None, 2),
            "the ledger begins late",
        ),
        (
            2,
            0,
            3,
            ledger(*range(4, 9)),
            (1, UPPER, None, UNKNOWN, None, 2),
            "and says nothing here",
        ),
    ],
)
def test_the_ledger_makes_lags_exact(committed, start, end, known, expected, why):
    """The rules five and six."""
    assert told(committed, start, end, known) == expected, why


def test_a_record_without_event_time_has_no_time_lag():
    """Its lag in records is exact all the same."""
    known = Ledger(LedgerBudget(), 0)
    known.add(np.array([0, 1]), np.array([NO_TIME, 5_000]), np.array([NO_TIME, NO_TIME]), 2)
    assert told(0, 0, 2, known) == (2, EXACT, None, UNKNOWN, 0, None)
    assert told(1, 0, 2, known) == (1, EXACT, 995.0, EXACT, 1, None)


def test_an_event_that_lies_ahead_has_no_negative_age():
    """The producer's clock is ahead; there is something to read."""
    assert told(4, 0, 8, ledger(*range(8)), at_ms=1_000) == (4, EXACT, 0.0, EXACT, 4, None)


def test_an_unknown_compaction_leaves_the_count_an_upper_bound():
    """Without the right to read the settings, what is known of the log may be gone from it."""
    known = ledger(*range(8))
    assert told(4, 0, 8, known, is_compacted=None) == (4, UPPER, 996.0, UPPER, 4, None)
    lookups = Lookups()
    lookups.note(0, 8, Found(FirstRecord(8, 8_000, 0), 0, 0))
    of = told(8, 0, 9, known, is_compacted=None, lookups=lookups)
    assert of == (1, UPPER, 992.0, UPPER, 8, None)


def test_on_a_compacted_topic_the_first_record_is_confirmed_again_and_again():
    """It may have been compacted away since the ledger has seen it."""
    known, lookups = ledger(*range(8)), Lookups()
    assert told(2, 0, 8, known, is_compacted=True, lookups=lookups) == (6, UPPER, 998, UPPER, 2, 2)
    lookups.note(0, 2, Found(FirstRecord(5, 5_000, 0), 0, NOW_MS))
    confirmed = (6, UPPER, 995.0, EXACT, 5)
    of = told(2, 0, 8, known, is_compacted=True, lookups=lookups)
    assert of == (*confirmed, None)
    later_ms = NOW_MS + COMPACTED_HOLDS_MS
    of = told(2, 0, 8, known, is_compacted=True, lookups=lookups, at_ms=later_ms)
    assert (of[4], of[5]) == (5, 2)
    lookups.note(0, 2, Found(None, 8, NOW_MS))
    assert told(2, 0, 8, known, is_compacted=True, lookups=lookups) == NOTHING_LEFT
    lookups.note(0, 8, Found(FirstRecord(8, 8_000, 0), 0, NOW_MS))
    of = told(8, 0, 9, known, is_compacted=True, lookups=lookups, at_ms=later_ms)
    assert (of[3], of[5]) == (EXACT, 8), "also where the ledger does not reach"


def test_what_was_looked_up_answers_for_what_the_ledger_does_not_know():
    """Below its start and beyond its end."""
    known, lookups = ledger(*range(4, 9)), Lookups()
    lookups.note(0, 1, Found(FirstRecord(3, 3_000, 0), 0, NOW_MS))
    assert told(1, 0, 9, known, lookups=lookups) == (6, UPPER, 997.0, EXACT, 3, None)
    assert told(2, 0, 9, known, lookups=lookups)[5] == 2
    lookups.note(0, 9, Found(None, 11, NOW_MS))
    assert told(9, 0, 11, known, lookups=lookups) == NOTHING_LEFT
    assert told(9, 0, 12, known, lookups=lookups) == (3, UPPER, None, UNKNOWN, None, 9)


def test_a_coarse_block_says_how_wrong_it_may_be():
    """The first record of a block is known exactly, one in the middle within a bound."""
    budget = LedgerBudget(exact_records=1_024)
    known = ledger(*range(3_000), budget=budget)
    assert known.coarse_records > 0
    assert told(0, 0, 3_000, known)[:4] == (3_000, EXACT, 1_000.0, EXACT)
    lag, bound, seconds, time_bound, *_ = told(100, 0, 3_000, known)
    assert (lag, bound, time_bound) == (2_900, EXACT, UPPER)
    assert seconds == pytest.approx(900, abs=520)


def test_answers_are_forgotten_when_they_hold_no_more():
    """A deleted record, a longer log, another log."""
    lookups = Lookups()
    lookups.note(0, 1, Found(FirstRecord(3, 3_000, 0), 0, NOW_MS))
    assert lookups.get(0, 1, 3, 9) is not None
    assert lookups.get(0, 1, 4, 9) is None
    assert lookups.get(1, 1, 3, 9) is None
    lookups.note(0, 5, Found(None, 9, NOW_MS))
    assert lookups.get(0, 5, None, 9) is not None
    assert lookups.get(0, 5, None, 10) is None
    lookups.forget()
    assert lookups.get(0, 1, 3, 9) is None


def test_the_answers_that_nobody_asks_for_go_first(monkeypatch):
    """There is a limit."""
    monkeypatch.setattr("streamgauge.core.lookups.MOST", 2)
    lookups = Lookups()
    for offset in (1, 2):
        lookups.note(0, offset, Found(None, 9, NOW_MS))
    assert lookups.get(0, 1, None, 9) is not None
    lookups.note(0, 3, Found(None, 9, NOW_MS))
    assert [lookups.get(0, at, None, 9) is None for at in (1, 2, 3)] == [False, True, False]
