"""Lag of a group: sums, greatest time lags, and what patterns mean."""

from __future__ import annotations

import pytest

from streamgauge.core.lag import (
    group_of_log,
    group_view,
    has_committed,
    is_pattern,
    known_lag,
    matching,
    unknown_partitions,
)
from streamgauge.core.unread import Unread
from streamgauge.model import CommittedOffsets, GroupStatus, LagBound, LogOffsets

EXACT, UPPER, LOWER, UNKNOWN = LagBound.EXACT, LagBound.UPPER, LagBound.LOWER, LagBound.UNKNOWN


def view(offsets, start, end, partitions=(1, 0), *, answered_ms=77):
    """A group's view from plain dicts; the ends were answered at 77 ms."""
    committed = offsets and CommittedOffsets("g", "orders", offsets, answered_ms)
    log = end and LogOffsets("orders", start, end, 77)
    return group_of_log(partitions, committed, log)


ZEROS, NINES = {0: 0, 1: 0}, {0: 9, 1: 9}


@pytest.mark.parametrize(
    ("offsets", "start", "end", "lag", "bound", "known", "unknown", "why"),
    [
        (NINES, ZEROS, NINES, 0, EXACT, 0, [], "caught up everywhere"),
        ({0: 5, 1: 9}, ZEROS, NINES, 4, UPPER, 4, [], "the sum is as sure as its parts"),
        ({0: 2, 1: 9}, {0: 6, 1: 0}, NINES, 3, UPPER, 3, [], "each part from its own start"),
        ({0: 5, 1: None}, ZEROS, NINES, 4, LOWER, 4, [1], "one unknown part"),
        ({0: 5}, ZEROS, NINES, 4, LOWER, 4, [1], "a partition that was not answered"),
        ({0: 5, 1: 5}, ZEROS, {0: 9}, 4, LOWER, 4, [1], "an end that was not answered"),
        ({0: 5, 1: 8}, ZEROS, {0: 9, 1: 7}, 4, LOWER, 4, [1], "of another log"),
        ({0: 5, 1: None}, ZEROS, {0: 9, 1: 0}, 4, UPPER, 4, [], "an empty partition is 0"),
        ({0: 5, 1: None}, ZEROS, {1: 0}, None, UNKNOWN, 0, [0], "and that 0 is all that is known"),
        ({0: None, 1: None}, ZEROS, ZEROS, None, UNKNOWN, None, [], "never committed"),
        (None, ZEROS, NINES, None, UNKNOWN, None, [0, 1], "not answered yet"),
        ({0: 5, 1: 5}, None, None, None, UNKNOWN, None, [0, 1], "ends not answered yet: not 0"),
        ({0: 8, 1: 8}, ZEROS, {0: 7, 1: 7}, None, UNKNOWN, None, [0, 1], "nothing fits: not 0"),
    ],
)
def test_lag_of_a_group(offsets, start, end, lag, bound, known, unknown, why):
    """A sum with an unknown part is a lower bound, unless what is known is 0."""
    group = view(offsets, start, end)
    assert (group.lag, group.lag_bound) == (lag, bound), why
    assert (known_lag(group), unknown_partitions(group)) == (known, unknown), why
    assert has_committed(group) is any(o is not None for o in (offsets or {}).values())


def test_ends_older_than_the_commits_tell_no_lag():
    """What was appended between the two answers would be left out: a false zero."""
    group = view(NINES, ZEROS, NINES, answered_ms=78)
    assert (group.lag, group.lag_bound, known_lag(group)) == (None, UNKNOWN, None)
    assert (group.partitions[0].committed_offset, group.partitions[0].end_offset) == (9, 9)
    assert view(NINES, ZEROS, NINES, answered_ms=76).lag == 0


def test_a_topic_whose_partitions_are_not_known_has_no_lag():
    """The sum of nothing would be 0."""
    group = group_of_log(
        (), CommittedOffsets("g", "orders", {}, 1), LogOffsets("orders", {}, {}, 1)
    )
    assert (group.lag, group.lag_bound, known_lag(group)) == (None, UNKNOWN, None)
    assert (unknown_partitions(group), dict(group.partitions)) == ([], {})


def test_what_is_not_measured_is_unknown():
    """Time lag and status are values of their own: unknown."""
    group = view({0: 5, 1: 9}, ZEROS, NINES)  # nothing but offsets is known
    assert (group.status, group.as_of_ms) == (GroupStatus.UNKNOWN, 77)
    assert (group.time_lag_seconds, group.time_lag_bound) == (None, UNKNOWN)
    part = group.partitions[0]
    assert (part.committed_offset, part.end_offset, part.lag, part.lag_bound) == (5, 9, 4, UPPER)
    assert (part.time_lag_seconds, part.time_lag_bound) == (None, UNKNOWN)
    assert view(None, ZEROS, NINES).as_of_ms is None


@pytest.mark.parametrize(
    ("parts", "seconds", "bound", "why"),
    [
        ([(3.0, EXACT), (9.0, EXACT)], 9.0, EXACT, "the greatest of them"),
        ([(3.0, EXACT), (9.0, UPPER)], 9.0, UPPER, "as sure as its parts"),
        ([(3.0, EXACT), (9.0, LOWER)], 9.0, LOWER, "or not less"),
        ([(3.0, LOWER), (9.0, EXACT)], 9.0, LOWER, "also if the other one may be greater"),
        ([(0.0, EXACT), (0.0, EXACT)], 0.0, EXACT, "nothing left"),
        ([(3.0, EXACT), (None, UNKNOWN)], 3.0, LOWER, "one is not known"),
        ([(0.0, EXACT), (None, UNKNOWN)], None, UNKNOWN, "never a false zero"),
        ([(None, UNKNOWN), (None, UNKNOWN)], None, UNKNOWN, "nothing is known"),
    ],
)
def test_time_lag_of_a_group(parts, seconds, bound, why):
    """The worst partition's."""
    unread = {n: Unread(1, EXACT, told, how) for n, (told, how) in enumerate(parts)}
    group = group_view({0: 1, 1: 1}, {}, 77, unread)
    assert (group.time_lag_seconds, group.time_lag_bound) == (seconds, bound), why
    never = group_view({0: None, 1: None}, {}, 77, unread)
    assert (never.time_lag_seconds, never.time_lag_bound) == (None, UNKNOWN)


@pytest.mark.parametrize(
    ("group", "pattern", "found"),
    [
        ("a", False, ["a"]),
        ("missing", False, []),
        ("X", False, []),
        ("a*", True, ["a", "a-1", "ab"]),
        ("a?", True, ["ab"]),
        ("[ab]", True, ["a", "b"]),
        ("A*", True, []),
    ],
)
def test_patterns(group, pattern, found):
    """A name means itself, a pattern what it matches, case and all."""
    assert is_pattern(group) is pattern
    assert matching(group, ["b", "ab", "a", "a-1"]) == found
