"""Which records a group has passed, from a record of truth that can be followed by hand."""

from __future__ import annotations

import pytest

from .passing import passed
from .record_of_truth import NEVER, GroupHistory, Log, Record, Span, Transaction

PATIENCE = 1.2
SOON = Span(3.0, 3.1)


def log_of(*gone, compacted=False, transactions=()):
    """Records of events at 0 s, appended at once, one for each given time of their deletion."""
    return Log(
        "topic",
        1,
        compacted,
        [
            Record(
                0, number, 0.0, Span(0.0, 0.1), transactions[number] if transactions else None, at
            )
            for number, at in enumerate(gone)
        ],
    )


def followed(log, *commits, gaps=()):
    """Outcome of commits, each a time and an offset; None is a deletion of the group."""
    group = GroupHistory("group")
    for at, offset in commits:
        if offset is None:
            group.erased(Span(at, at + 0.1))
        else:
            group.committed(log, {0: offset}, Span(at, at + 0.1))
    return passed(group, log, PATIENCE, gaps)


def counts(of):
    """Aged, unwatched, optional, lost, unread."""
    return len(of.aged), len(of.unwatched), len(of.optional), of.lost, of.unread


TABLE = {
    "nothing was committed": ([], (0, 0, 0, 0, 0)),
    "counting begins at the first commit": ([(1, 2)], (0, 0, 0, 0, 2)),
    "passed in turn": ([(1, 0), (5, 2), (9, 3)], (3, 0, 0, 0, 1)),
    "passed once, whatever comes after": ([(1, 0), (5, 4), (9, 1), (13, 4)], (4, 0, 0, 0, 0)),
    "taken back at once: need not have been seen": ([(1, 0), (5, 3), (5.5, 1)], (1, 0, 2, 0, 1)),
    "and passed again": ([(1, 0), (5, 3), (5.5, 1), (9, 3)], (3, 0, 0, 0, 1)),
    "the group was deleted": ([(1, 0), (5, 2), (9, None)], (2, 0, 0, 0, 2)),
}


@pytest.mark.parametrize("case", TABLE)
def test_counts(case):
    """Of four records, each is in one place."""
    commits, expected = TABLE[case]
    assert counts(followed(log_of(NEVER, NEVER, NEVER, NEVER), *commits)) == expected


def test_ages_are_between_the_commit_and_when_it_must_be_seen():
    """Of an event at 0 s, passed by a commit that was sent at 5 s and answered at 5.1 s."""
    (age,) = followed(log_of(NEVER), (1, 0), (5, 1)).aged
    assert age == pytest.approx((5.0, 6.3))


def test_a_passing_that_was_taken_back_may_be_seen_later():
    """The first commit may have gone unseen, the last one may not."""
    (age,) = followed(log_of(NEVER), (1, 0), (5, 1), (5.5, 0), (9, 1)).aged
    assert age == pytest.approx((5.0, 10.3))


def test_what_was_deleted_before_it_was_passed_is_lost():
    """Also if it is never passed; what is deleted afterwards is not."""
    log = log_of(SOON, SOON, Span(7, 7.1), NEVER)
    assert counts(followed(log, (1, 0), (5, 3))) == (1, 0, 0, 2, 1)
    assert counts(followed(log, (1, 0))) == (0, 0, 0, 3, 1)


def test_what_was_compacted_away_is_not_lost():
    """It may have been counted when it was passed, or not."""
    log = log_of(SOON, NEVER, compacted=True)
    assert counts(followed(log, (1, 0), (5, 2))) == (1, 0, 1, 0, 0)


def test_what_cannot_be_read_is_nowhere():
    """Of an aborted transaction, and of one that is still open."""
    aborted, still_open = Transaction(Span(1, 1.1), aborted=True), Transaction()
    log = log_of(NEVER, NEVER, NEVER, transactions=[None, aborted, still_open])
    assert counts(followed(log, (1, 0), (5, 2))) == (1, 0, 0, 0, 0)


def test_what_is_passed_in_a_gap_is_unwatched():
    """As it is when the gap begins before the passing must have been seen."""
    log = log_of(NEVER, NEVER, NEVER)
    of = followed(log, (1, 0), (5, 1), (8, 2), (20, 3), gaps=[Span(6, 10)])
    assert counts(of) == (1, 2, 0, 0, 0)
