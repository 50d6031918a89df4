"""Sums by cause: every dead letter once, and none moves to another sum."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.snapshot import DeadLetterTopicView
from streamgauge.core.totals import Totals
from streamgauge.otlp.by_cause import ByCause

LATE = CauseName("1" * 16, "billing", "TimeoutException", "no answer")
SLOW = CauseName("2" * 16, "billing", "TimeoutException", "no answer within <n> ms")
BROKEN = CauseName("3" * 16, None, "SerializationException", None)
GONE = "4" * 16
LONG = "g" * 9_000


def letters(counts, *named, topic="dlq", other=0):
    """A topic whose causes have so many dead letters by key, and these names."""
    totals = Totals(dead_letters=sum(counts.values()) + other, causes=counts, other_causes=other)
    names = {cause.key: cause for cause in named}
    return DeadLetterTopicView(topic, (topic,), totals, 0, None, cause_names=names)


@pytest.fixture
def told(make):
    """Tells topics with sums that remember: value by topic, error type and group."""
    sums = ByCause()

    def tell(*views, life="life-1"):
        watched = ("billing", "audit", LONG)
        snapshot = replace(make.snapshot(dead_letters=views), life=life, watched_groups=watched)
        found = {}
        for reading in sums.readings(snapshot):
            attributes = dict(reading.attributes)
            assert attributes.pop("stream") == "orders"
            assert tuple(attributes.values()) not in found
            found[tuple(attributes.values())] = reading.value
        return found

    return tell


def test_messages_of_a_class_are_one_sum(told):
    """By class and group; what has no name, and what found no place, is the other."""
    counts = {LATE.key: 2, SLOW.key: 3, BROKEN.key: 5, GONE: 7}
    assert told(letters(counts, LATE, SLOW, BROKEN, other=11)) == {
        ("dlq", "TimeoutException", "billing"): 5,
        ("dlq", "SerializationException"): 5,
        ("dlq", "_OTHER"): 18,
    }


def test_sums_begin_with_zero(told):
    """A topic without a dead letter has one sum, so that rates start there."""
    assert told(letters({})) == {("dlq", "_OTHER"): 0}


def test_each_topic_has_its_own(told):
    """Although the cause is the same."""
    first, second = letters({LATE.key: 1}, LATE), letters({LATE.key: 2}, LATE, topic="dlq-2")
    found = told(first, second)
    assert found["dlq", "TimeoutException", "billing"] == 1
    assert found["dlq-2", "TimeoutException", "billing"] == 2
    third = letters({LATE.key: 3}, LATE._replace(consumer_group="audit"), topic="dlq-3")
    assert told(first, second, third)["dlq-3", "TimeoutException", "audit"] == 3


def test_a_name_that_is_learned_later_moves_nothing(told):
    """A sum would shrink; a new life has new sums."""
    unnamed = LATE._replace(consumer_group=None)
    before = told(letters({LATE.key: 2, GONE: 1}, unnamed))
    learned = letters({LATE.key: 3, GONE: 1}, LATE, BROKEN._replace(key=GONE))
    after = told(learned)
    assert before == {("dlq", "TimeoutException"): 2, ("dlq", "_OTHER"): 1}
    assert after == {("dlq", "TimeoutException"): 3, ("dlq", "_OTHER"): 1}
    assert told(learned, life="life-2") == {
        ("dlq", "TimeoutException", "billing"): 3,
        ("dlq", "SerializationException"): 1,
        ("dlq", "_OTHER"): 0,
    }


def test_a_name_that_is_gone_moves_nothing(told):
    """Either way."""
    told(letters({LATE.key: 2}, LATE))
    assert told(letters({LATE.key: 2})) == {
        ("dlq", "TimeoutException", "billing"): 2,
        ("dlq", "_OTHER"): 0,
    }


def test_a_group_that_is_not_watched_by_its_name_is_not_told(told):
    """Nobody would know its name after a restart, and the sum would go on under another one."""
    found = CauseName(GONE, "billing-7", "TimeoutException", None)
    assert told(letters({GONE: 1}, found)) == {("dlq", "TimeoutException"): 1, ("dlq", "_OTHER"): 0}


def test_groups_are_bounded(told):
    """They are what headers say."""
    endless = CauseName(GONE, LONG, "TimeoutException", None)
    assert told(letters({GONE: 1}, endless))["dlq", "TimeoutException", "g" * 256] == 1
