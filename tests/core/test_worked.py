"""How long records took from event to arrival, and from arrival to commit."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.ledger import LedgerBudget
from streamgauge.core.topic import Topic
from streamgauge.core.worked import Worked
from streamgauge.model import UNKNOWN

from .conftest import make_columns


def topic_of(*polls, budget=None):
    """A topic of which these columns were read while the group was at 0."""
    made = Topic("orders", 1_000, budget=budget)
    made.assigned({0: 0, 1: 0})
    for columns in polls:
        made.fold(columns)
    for number in (0, 1):
        made.committed("g", number, 0, 50_000)
    return made


def test_both_ways_are_told_of_what_was_aged():
    """The later a record came, the less of its age is the group's."""
    topic = topic_of(make_columns([1_000, 5_000], received_ms=40_000))
    assert topic.worked("g") == Worked()
    topic.committed("g", 0, 1, 51_000)
    assert topic.worked("g") == Worked(1, 50_000, 1, 39_000, 11_000)
    before = topic.worked("g")
    topic.committed("g", 0, 2, 52_000)
    assert topic.worked("g") - before == Worked(1, 47_000, 1, 35_000, 12_000)


def test_the_append_time_of_the_topic_goes_before_receipt():
    """As arrival ages have it; without either, or an event time, nothing is known."""
    topic = topic_of(
        make_columns([1_000, 2_000, UNKNOWN], append_ms=[3_000, UNKNOWN, 4_000], received_ms=9_000),
        make_columns([1_000, 1_500], append_ms=[7_000, UNKNOWN], live=False, partition=1),
    )
    for number in (0, 1):
        topic.committed("g", number, 3 - number, 51_000)
    ages = [50_000, 49_000, 50_000, 49_500]
    assert topic.worked("g") == Worked(
        4, sum(ages), 3, 2_000 + 7_000 + 6_000, 48_000 + 42_000 + 44_000
    )


def test_clocks_that_disagree_make_no_time_negative():
    """Neither way."""
    topic = topic_of(make_columns([60_000, 1_000], append_ms=[55_000, 90_000]))
    topic.committed("g", 0, 2, 51_000)
    assert topic.worked("g") == Worked(2, 50_000, 2, 89_000, 0)


@pytest.mark.parametrize("passes", [(512,), (100, 512), (1, 2, 3, 300, 301, 512)])
@pytest.mark.parametrize("every", [1, 3, 1_000])
def test_coarse_blocks_know_as_much_in_sum(passes, every):
    """But for half a millisecond a record, however it is passed."""
    at = np.arange(512)
    append = np.where(at % every == 0, 20_000 + at, UNKNOWN)
    polls = [
        make_columns(1_000 + at, append_ms=append, live=False),
        make_columns(1_000 + at, first_offset=512, append_ms=append, live=False),
    ]
    exact, coarse = topic_of(*polls), topic_of(*polls, budget=LedgerBudget(exact_records=512))
    assert coarse.ledger.coarse_records == 512
    for topic in (exact, coarse):
        for offset in passes:
            topic.committed("g", 0, offset, 50_000)
    truth, told = exact.worked("g"), coarse.worked("g")
    assert (told.records, told.with_arrival) == (truth.records, truth.with_arrival)
    half = truth.records
    assert told.event_to_commit_ms == pytest.approx(truth.event_to_commit_ms, abs=half)
    assert told.event_to_arrival_ms == pytest.approx(truth.event_to_arrival_ms, abs=half)
    assert told.arrival_to_commit_ms == pytest.approx(truth.arrival_to_commit_ms, abs=300 + half)
