"""The age at which a record died, from whoever knows when its event happened."""

import numpy as np
import pytest

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.dead_letters.origins import AWAIT_MS, MOST_AWAITED, TAIL_MS, Death, Origins
from streamgauge.core.first_sightings import FirstSightings
from streamgauge.core.topic import Topic
from streamgauge.model import UNKNOWN


def letter(topic="orders", partition=0, offset=5, *, event_ms=None, context=None, at=9):
    """A dead letter at offset 9 of partition 3 that came from this address."""
    said = DeadLetter(
        dialect=Dialect.SPRING,
        original_topic=topic,
        original_partition=partition,
        original_offset=offset,
    )
    return Letter(said, 3, at, None, None, event_ms, context)


@pytest.fixture
def stream(columns):
    """Offsets 0 to 9 of `orders`, event n at 1,000 + n, all received at 10,000."""
    topic = Topic("orders", 0)
    topic.assigned({0: 0})
    topic.fold(columns([1_000 + n for n in range(10)]))
    return topic


@pytest.fixture
def origins():
    """Of a topic that two topics end in."""
    return Origins({"orders", "carts"}, None)


def test_an_address_in_the_ledger_tells_age_and_time_since_append(origins, stream):
    """Nobody else is asked."""
    assert origins.join([(letter(), 11_000)], stream, 11_000) == [Death(3, 11_000 - 1_005, 1_000)]
    assert origins.view.by_address == 1


def test_without_a_time_of_arrival_there_is_no_age(origins, stream):
    """Read while catching up: nobody knows when it came."""
    assert origins.join([(letter(), UNKNOWN)], stream, 11_000) == []
    assert (origins.view.unknown, origins.view.awaited) == (1, 0)


def test_what_the_tail_has_not_read_is_waited_for_and_fetched_only_then(origins, stream, columns):
    """A dead letter is fetched sooner than its origin."""
    assert origins.join([(letter(offset=10), 11_000)], stream, 11_000) == []
    assert origins.to_look_up(stream, 11_000 + TAIL_MS - 1) == {}
    stream.fold(columns([2_000], first_offset=10, received_ms=11_100))
    assert origins.settle(stream, 11_100) == [Death(3, 9_000, -100)]
    assert origins.view.awaited == 0


def test_a_record_that_the_tail_does_not_read_in_time_is_fetched(origins, stream):
    """By its address."""
    origins.join([(letter(offset=10), 11_000)], stream, 11_000)
    assert origins.to_look_up(stream, 11_000 + TAIL_MS) == {"orders": {0: [10]}}
    assert origins.found("orders", 0, 10, 4_000) == [Death(3, 7_000, None)]
    assert origins.view.by_fetch == 1


def test_a_record_of_another_source_topic_is_fetched_at_once(origins, stream):
    """No tail reads it."""
    origins.join([(letter("carts", 4, 7), 11_000)], stream, 11_000)
    assert origins.to_look_up(stream, 11_000) == {"carts": {4: [7]}}


def test_a_topic_that_is_not_configured_is_not_asked(origins, stream):
    """Such as one that Kafka Streams deletes; the dead letter itself answers."""
    deaths = origins.join([(letter("app-repartition", event_ms=10_500), 11_000)], stream, 11_000)
    assert deaths == [Death(3, 500, None)]
    assert (origins.view.by_letter, origins.to_look_up(stream, 11_000)) == (1, {})


def test_a_record_that_is_gone_is_known_by_its_trace_before_the_letter_is_asked(stream, context):
    """Its headers may have changed."""
    sightings = FirstSightings()
    sightings.note([context], np.array([10_200]))
    origins = Origins({"orders"}, sightings)
    old = letter(offset=10, event_ms=1, context=context)
    origins.join([(old, 11_000)], stream, 11_000)
    assert origins.found("orders", 0, 10, None) == [Death(3, 800, None)]
    assert origins.view.by_trace == 1


def test_who_waits_too_long_is_answered_by_what_is_at_hand(origins, stream):
    """Nothing waits for ever."""
    origins.join([(letter(offset=10, event_ms=10_000), 11_000)], stream, 11_000)
    assert origins.settle(stream, 11_000 + AWAIT_MS - 1) == []
    assert origins.settle(stream, 11_000 + AWAIT_MS) == [Death(3, 1_000, None)]


def test_of_too_many_only_some_are_waited_for(origins, stream):
    """The others have what they say themselves."""
    many = [(letter(offset=10 + n, event_ms=10_000), 11_000) for n in range(MOST_AWAITED + 2)]
    assert origins.join(many, stream, 11_000) == [Death(3, 1_000, None)] * 2
    assert origins.view.awaited == MOST_AWAITED


def test_another_life_awaits_nothing_of_this_one(origins, stream):
    """What was awaited is read again there."""
    origins.join([(letter(offset=10), 11_000)], stream, 11_000)
    origins.forget()
    assert origins.found("orders", 0, 10, 4_000) == []
