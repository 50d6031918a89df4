"""First sightings: a table that says what a plain dictionary of its places says."""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core import first_sightings
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import FirstSightingRule, HeaderRule
from streamgauge.core.first_sightings import PLACES, FirstSightings
from streamgauge.core.gauge import StreamGauge, StreamPolicy
from streamgauge.core.snapshot import SightingsView
from streamgauge.model import UNKNOWN

MS = 1795217557332
SPAN = b"00f067aa0ba902b7"


def context(trace, flags=b"01", span=SPAN):
    """A context of this trace id, a number or 32 digits."""
    digits = b"%032x" % trace if isinstance(trace, int) else trace
    return b"00-%b-%b-%b" % (digits, span, flags)


def note(sightings, *rows):
    """Note rows of a trace id or None, and an event time."""
    contexts = [None if trace is None else context(trace) for trace, _ in rows]
    sightings.note(contexts, np.array([ms for _, ms in rows], dtype=np.int64))


def find(sightings, *traces):
    """Event times of these trace ids; None is a record without."""
    return sightings.find([None if t is None else context(t) for t in traces]).tolist()


def place_of(trace, size):
    """Where the id lies in a table of this size: what a single one finds nothing else at."""
    mark = first_sightings._mixed(first_sightings._words(context(trace)))  # noqa: SLF001 - to collide
    return mark * size >> 64


def test_the_first_of_a_trace_stays_and_later_ones_change_nothing():
    """Neither in the same poll nor in a later one, nor if they are older."""
    sightings = FirstSightings()
    note(sightings, (1, MS), (2, MS + 5), (1, MS - 9), (1, MS + 9))
    note(sightings, (2, MS - 9), (1, MS + 1), (3, MS))
    assert find(sightings, 2, 1, 3, 4) == [MS + 5, MS, MS, UNKNOWN]
    assert sightings.view == SightingsView(size=PLACES, asked=4, answered=3, evicted=0)


def test_the_trace_counts_and_not_the_span_nor_the_flags():
    """A downstream record is of another span."""
    sightings = FirstSightings()
    note(sightings, (7, MS))
    assert sightings.find([context(7, b"00", b"f" * 16)]).tolist() == [MS]
    assert sightings.find_one(context(7, b"00", b"f" * 16)) == MS


def test_what_has_no_event_time_is_no_sighting():
    """The next one of the trace that has one is the first."""
    sightings = FirstSightings()
    note(sightings, (1, UNKNOWN), (None, MS), (1, MS + 1), (2, UNKNOWN))
    assert find(sightings, 1, None, 2) == [MS + 1, UNKNOWN, UNKNOWN]
    assert (sightings.asked, sightings.answered) == (2, 1)


def test_nothing_noted_is_nothing_found_and_takes_no_room():
    """The table is there from the first sighting on."""
    note(FirstSightings(), (1, MS))
    tracemalloc.start()
    try:
        sightings = FirstSightings()
        note(sightings, (None, MS), (1, UNKNOWN))
        assert find(sightings, 1, None) == [UNKNOWN, UNKNOWN]
        assert sightings.find_one(context(1)) is None
        assert (sightings.asked, sightings.answered) == (2, 0)
        assert tracemalloc.get_traced_memory()[0] < 100_000
        note(sightings, (1, MS))
        assert PLACES * 16 <= tracemalloc.get_traced_memory()[0] < PLACES * 16 + 100_000
    finally:
        tracemalloc.stop()


def test_no_rows_at_all():
    """An empty poll is nothing."""
    sightings = FirstSightings()
    note(sightings)
    assert sightings.find([]).dtype == np.int64
    assert sightings.view == SightingsView(size=PLACES)


def test_another_one_at_its_place_pushes_it_out():
    """In the same poll and later; whoever comes back has come anew."""
    at_0 = [trace for trace in range(1, 200) if place_of(trace, 4) == 0][:3]
    one, other, third = at_0
    sightings = FirstSightings(4)
    note(sightings, (one, 10), (one, 11), (other, 12), (other, 13), (one, 14))
    assert (find(sightings, one, other), sightings.evicted) == ([14, UNKNOWN], 2)
    note(sightings, (one, 20), (one, 21))
    assert (find(sightings, one), sightings.evicted) == ([14], 2)
    note(sightings, (one, 30), (third, 31))
    assert (find(sightings, one, third), sightings.evicted) == ([UNKNOWN, 31], 3)
    note(sightings, (other, 40), (third, 41))
    assert (find(sightings, third), sightings.evicted) == ([41], 5)


class Model:
    """The table as a dictionary from place to trace id and event time, noted row by row."""

    def __init__(self, size):
        self.size, self.evicted, self.places = size, 0, {}

    def note(self, rows):
        """Rows of a trace id or None, and an event time."""
        for trace, ms in rows:
            if trace is None or ms == UNKNOWN:
                continue
            place = place_of(trace, self.size)
            there = self.places.get(place)
            if there is None or there[0] != trace:
                self.evicted += there is not None
                self.places[place] = trace, ms

    def find(self, trace):
        """Event time of this trace id or None, else UNKNOWN."""
        there = None if trace is None else self.places.get(place_of(trace, self.size))
        return there[1] if there is not None and there[0] == trace else UNKNOWN


TRACES = st.none() | st.integers(1, 12) | st.integers(1, 2**128 - 1)
POLLS = st.lists(st.lists(st.tuples(TRACES, st.integers(UNKNOWN, 50)), max_size=30), max_size=6)


@given(POLLS, st.sampled_from([2, 4, 16, 1 << 10]))
def test_polls_are_noted_as_if_row_by_row(polls, size):
    """Duplicates, collisions and rows that say nothing; and one is found as many are."""
    sightings, model = FirstSightings(size), Model(size)
    for rows in polls:
        note(sightings, *rows)
        model.note(rows)
        assert sightings.evicted == model.evicted
    traces = [*range(1, 13), *(trace for rows in polls for trace, _ in rows)]
    expected = [model.find(trace) for trace in traces]
    assert find(sightings, *traces) == expected
    answered = len(expected) - expected.count(UNKNOWN)
    given_traces = [trace for trace in traces if trace is not None]
    assert (sightings.asked, sightings.answered) == (len(given_traces), answered)
    single = [sightings.find_one(context(trace)) for trace in given_traces]
    assert [UNKNOWN if ms is None else ms for ms in single] == [
        ms for trace, ms in zip(traces, expected, strict=True) if trace is not None
    ]
    assert (sightings.asked, sightings.answered) == (2 * len(given_traces), 2 * answered)


def test_a_long_run_agrees_with_the_dictionary():
    """Thousands a poll, more than there are places, each a few times."""
    chance = np.random.default_rng(7)
    sightings, model = FirstSightings(1 << 10), Model(1 << 10)
    for _ in range(5):
        rows = [(int(trace) << 60, int(ms)) for trace, ms in chance.integers(1, 4_000, (3_000, 2))]
        note(sightings, *rows)
        model.note(rows)
    traces = [trace << 60 for trace in range(1, 4_000)]
    assert sightings.evicted == model.evicted > 5_000
    assert find(sightings, *traces) == [model.find(trace) for trace in traces]


@pytest.mark.parametrize(
    "ids",
    [
        [b"%032x" % number for number in range(1, 20_001)],
        [b"%016x%016d" % (number, 1) for number in range(1, 20_001)],
        [b"%032x" % (number << 12) for number in range(1, 20_001)],
        [b"%b%b" % (b"%016x" % number, b"%016x" % number) for number in range(1, 20_001)],
    ],
    ids=["at the end", "at the beginning", "shifted", "in both halves"],
)
def test_ids_that_are_counted_and_not_drawn_spread_as_well(ids):
    """As many are left as of ids by chance: all but the collisions of so many in so many places."""
    sightings = FirstSightings(1 << 15)
    note(sightings, *((each, MS) for each in ids))
    left = find(sightings, *ids).count(MS)
    assert left + sightings.evicted == len(ids)
    by_chance = (1 << 15) * (1 - np.exp(-len(ids) / (1 << 15)))
    assert left > by_chance * 0.97


def test_a_mark_that_looks_like_an_empty_place_is_one_like_any_other():
    """The last word can be chosen so that all 64 bits are zero."""
    start = b"%024x" % 5
    before = first_sightings._mixed(np.frombuffer(start).view(np.uint64).tolist())  # noqa: SLF001
    trace = start + (before ^ before >> 32).to_bytes(8, "little")
    assert place_of(trace, 1 << 64) == 0
    sightings = FirstSightings(4)
    note(sightings, (7, MS))
    assert (find(sightings, trace), sightings.find_one(context(trace))) == ([UNKNOWN], None)
    assert sightings.answered == 0
    note(sightings, (trace, MS + 1))
    assert find(sightings, trace) == [MS + 1]
    assert sightings.find_one(context(trace)) == MS + 1


class Message(NamedTuple):
    """A record of the shape aiokafka hands out."""

    offset: int
    headers: object
    timestamp: int | None = MS
    timestamp_type: int | None = 0
    key: bytes | None = None
    value: bytes | None = None


def gauge_of(topic, sightings):
    """A gauge that has begun with this topic."""
    policy = StreamPolicy(topic, topic, ("kafka", topic), (), (), 60_000, 100, {})
    gauge = StreamGauge(policy, "a" * 16, MS, sightings=sightings)
    gauge.assigned(topic, {0: 0})
    return gauge


def test_an_event_keeps_its_time_from_stream_to_stream():
    """What one stream counts answers for the next: its ages begin where the event happened."""
    sightings = FirstSightings()
    carts, orders = gauge_of("carts", sightings), gauge_of("orders", None)
    rules = (HeaderRule("event-time"), FirstSightingRule("carts"))
    poll = {"next_offset": 2, "received_ms": MS, "live": True}
    upstream = RecordReader(rules[:1])
    downstream = RecordReader(rules, {"carts": sightings})
    trace = ("traceparent", context(5))
    first = [
        Message(0, [trace, ("event-time", b"%d" % (MS - 9_000))]),
        Message(1, [trace, ("event-time", b"%d" % (MS - 1_000))]),
    ]
    second = [Message(0, [("traceparent", context(5, span=b"1" * 16))]), Message(1, [])]
    carts.fold(upstream.read("carts", 0, first, **poll))
    orders.fold(downstream.read("orders", 0, second, **poll))
    told = orders.tick(MS).snapshot
    assert told.totals.event_times == {"first_sighting": 1, "none": 1}
    assert (told.totals.arrival_ages.sum_ms, told.totals.unaged) == (9_000, 1)
    assert told.sightings is None
    assert carts.tick(MS).snapshot.sightings == SightingsView(PLACES, asked=1, answered=1)


@pytest.mark.parametrize("size", [-4, 0, 1, 3, 1000])
def test_a_size_that_is_no_power_of_two_is_refused(size):
    """With what to give."""
    with pytest.raises(ValueError, match=f"size is {size}: give a power of two"):
        FirstSightings(size)
