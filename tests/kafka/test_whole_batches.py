"""When it is tried to read batches as a whole, after it did not work."""

from __future__ import annotations

from itertools import pairwise

from streamgauge.kafka.whole_batches import MOST_PAUSE, WholeBatches


def tries(whole, polls, partition=0):
    """At which of so many polls it is tried, each time in vain."""
    tried = []
    for poll in range(polls):
        if whole.may_try(partition):
            tried.append(poll)
            whole.failed(partition)
    return tried


def test_each_failure_in_a_row_is_followed_by_a_longer_pause():
    """Up to a limit."""
    tried = tries(WholeBatches(), 400)
    pauses = [after - before - 1 for before, after in pairwise(tried)]
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert set(pauses[7:]) == {MOST_PAUSE}


def test_a_success_begins_anew_and_partitions_are_apart():
    """What is odd on one may be regular on another."""
    whole = WholeBatches()
    assert tries(whole, 5) == [0, 2]
    assert tries(whole, 5, partition=1) == [0, 2]
    whole.succeeded(0)
    assert tries(whole, 3) == [0, 2]
    assert tries(whole, 1, partition=1) == [0]
