"""What is true at a moment, from a record of truth that is small enough to follow by hand."""

from __future__ import annotations

import pytest

from .record_of_truth import NEVER, GroupHistory, Log, Record, Span, Transaction
from .timeline import Reading, Timeline


def record(offset, at, *, event=None, partition=0, transaction=None, gone=NEVER):
    """A record that was appended within 10 ms after `at`."""
    event = at if event is None else event
    return Record(partition, offset, event, Span(at, at + 0.01), transaction, gone)


def history(*commits, log):
    """A group; a commit is the time at which it began, taking 10 ms, and offsets by partition."""
    group = GroupHistory("group")
    for at, offsets in commits:
        if offsets is None:
            group.erased(Span(at, at + 0.01))
        else:
            group.committed(log, offsets, Span(at, at + 0.01))
    return group


ABORTED = Transaction(Span(5.0, 5.2), aborted=True)
COMMITTED = Transaction(Span(5.0, 5.2))

TABLE = {
    "before the first commit nothing is to be told": (
        [record(0, 10)], [(20, {0: 0})], 15, [Reading(None)],
    ),
    "one unread record": (
        [record(0, 10)], [(5, {0: 0})], 12,
        [Reading((1, 1), caught_up=False, first_event=(10, 10))],
    ),
    "a record on its way may be there": (
        [record(0, 10)], [(5, {0: 0})], 10.005,
        [Reading((0, 1), caught_up=True, first_event=(10, 10))],
    ),
    "all is read": (
        [record(0, 10)], [(5, {0: 0}), (11, {0: 1})], 12, [Reading((0, 0), caught_up=True)],
    ),
    "a commit on its way may have been made": (
        [record(0, 8), record(1, 9)], [(5, {0: 0}), (11, {0: 1})], 11.005,
        [Reading((2, 2), caught_up=False, first_event=(8, 8)),
         Reading((1, 1), caught_up=False, first_event=(9, 9))],
    ),
    "a deleted record counts no more": (
        [record(0, 8, gone=Span(10, 10.1)), record(1, 9)], [(5, {0: 0})], 11,
        [Reading((1, 1), caught_up=False, first_event=(9, 9))],
    ),
    "a deletion on its way may have happened": (
        [record(0, 8, gone=Span(10, 10.1)), record(1, 9)], [(5, {0: 0})], 10.05,
        [Reading((1, 2), caught_up=False, first_event=(8, 9))],
    ),
    "an aborted record never counts": (
        [record(0, 3, transaction=ABORTED), record(1, 4)], [(1, {0: 0})], 6,
        [Reading((1, 1), caught_up=False, first_event=(4, 4))],
    ),
    "an open transaction hides what comes after it": (
        [record(0, 3, transaction=COMMITTED), record(1, 4)], [(1, {0: 0})], 4.5,
        [Reading((0, 0), caught_up=True)],
    ),
    "a transaction's records count when it is committed": (
        [record(0, 3, transaction=COMMITTED), record(1, 4)], [(1, {0: 0})], 6,
        [Reading((2, 2), caught_up=False, first_event=(3, 3))],
    ),
    "the oldest of the first records counts": (
        [record(0, 8, partition=0), record(0, 7, partition=1)], [(5, {0: 0, 1: 0})], 12,
        [Reading((2, 2), caught_up=False, first_event=(7, 7))],
    ),
    "the first record by offset counts, not the oldest one": (
        [record(0, 8), record(1, 9, event=2)], [(5, {0: 0})], 12,
        [Reading((2, 2), caught_up=False, first_event=(8, 8))],
    ),
    "records on a partition without a commit leave nothing to tell": (
        [record(0, 8), record(0, 8, partition=1)], [(5, {0: 0})], 12, [Reading(None)],
    ),
    "a group that was deleted has nothing to tell": (
        [record(0, 8)], [(5, {0: 0}), (9, None)], 12, [Reading(None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_reading(case):
    """Each line says what may be true at a moment, and nothing else may."""
    records, commits, moment, expected = TABLE[case]
    log = Log("topic", 2, records=records)
    assert list(Timeline(history(*commits, log=log)).at(moment)) == expected


def test_slack_widens_when_records_came_and_nothing_else():
    """Within it a record may be there or not, whatever is known; a commit is not blurred."""
    log = Log("topic", 1, records=[record(0, 10)])
    group = history((5, {0: 0}), (12, {0: 1}), log=log)
    blurred = Timeline(group, slack_seconds=0.1)
    assert [each.lag for each in blurred.at(9.95)] == [(0, 1)]
    assert [each.lag for each in blurred.at(10.09)] == [(0, 1)]
    assert [each.lag for each in blurred.at(10.12)] == [(1, 1)]
    assert [each.lag for each in blurred.at(12.02)] == [(0, 0)]


def test_one_partition_alone():
    """A timeline of a partition knows nothing of the others."""
    log = Log("topic", 2, records=[record(0, 8), record(0, 9, partition=1)])
    group = history((5, {0: 0, 1: 0}), log=log)
    (reading,) = Timeline(group, (1,)).at(12)
    assert reading == Reading((1, 1), caught_up=False, first_event=(9, 9))


def test_windows_are_cut_to_what_was_asked():
    """The stretches of a window are those that touch it, and no longer than it."""
    log = Log("topic", 1, records=[record(0, 10)])
    stretches = Timeline(history((5, {0: 0}), log=log)).within(9.0, 11.0)
    assert [(each.start, each.end) for each in stretches] == [(9, 10), (10, 10.01), (10.01, 11)]
