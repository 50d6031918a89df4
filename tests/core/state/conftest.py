"""What the tests of the state share: states of every shape, and two that have everything."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from streamgauge.core.histogram import SIZE, UPPER_BOUNDS_MS, Histogram
from streamgauge.core.state.keys import cause_key, group_key, topic_key
from streamgauge.core.state.limits import COUNT, GUARANTEED_AGES, OFFSET
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS
from streamgauge.core.state.partition_state import (
    Cause,
    GroupState,
    PartitionState,
    PresentLag,
    ProcessedAges,
)
from streamgauge.model import GroupStatus, LagBound

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For examples that are large: a loaded machine is slow and not wrong."""

LIFE, WRITER = "0123456789abcdef", "fedcba9876543210"


def planted(**fields):
    """A state that counts nothing yet, with these fields set."""
    base = {
        "life": LIFE,
        "life_start_ms": 1_795_217_557_332,
        "start_position": 100,
        "position": 100,
        "writer": WRITER,
        "version": 1,
    }
    return PartitionState(**base | fields)


def histogram_of(counts):
    """A histogram with these counts, int[SIZE], each age at the upper bound of its bucket."""
    counts = np.array(counts, dtype=np.int64)
    bounds = [*UPPER_BOUNDS_MS.tolist(), 2**40]
    sum_ms = sum(count * bound for count, bound in zip(counts.tolist(), bounds, strict=True))
    return Histogram(counts, sum_ms)


def bell(middle, height):
    """A histogram with a bell of this height around a bucket."""
    distance = (np.arange(SIZE) - middle) / 9
    return histogram_of((height * np.exp(-(distance**2))).astype(np.int64))


def format_1_fields():
    """What a text of format 1 could hold, with a value in every field."""
    return {
        "topic_id": UUID("2f3a5c7e-9b1d-4f60-8a2c-4e6f80a1b2c3"),
        "life": LIFE,
        "life_start_ms": 1_795_217_557_332,
        "start_position": 12_345,
        "position": 9_876_543_210,
        "writer": WRITER,
        "version": 71_000,
        "as_of_ms": 1_795_817_557_000,
        "last_record_ms": 1_795_817_556_123,
        **{name: 1_000_000_007 * (place + 1) for place, name in enumerate(COUNTERS)},
        "event_times": {"header": 9_000_000_000, "record": 12, "other": 3},
        "unreadable_event_times": {"pointer": 40},
        "rejected_contexts": {"traceparent_length": 5, "datadog_incomplete": 6},
        "arrival_ages": bell(70, 40_000_000),
        "groups": {
            group_key("billing"): GroupState(9_876_000_000, 9_875_000_000),
            group_key("search"): GroupState(None, 0),
        },
    }


def format_2_fields():
    """What a text of format 2 could hold, with a value in every field."""
    fields = format_1_fields()
    billing, search = fields["groups"]
    fields["groups"] |= {
        billing: fields["groups"][billing]._replace(
            processed=ProcessedAges(9_876_000_000, bell(110, 30_000_000), 17, 1_900)
        ),
        group_key("fraud"): GroupState(7, 5, ProcessedAges(None, bell(20, 9), 1, 2)),
    }
    return fields | {
        "forgotten": True,
        "causes": {
            group_key("org.example.InvalidSku\0sku ?"): Cause("org.example.InvalidSku", 44),
            group_key("Zeitüberschreitung\0"): Cause("Zeitüberschreitung", 1),
            group_key("\0unclassified"): Cause("", 300_000),
        },
        "other_causes": 9,
        "present_lags": {
            billing: PresentLag(543_210, LagBound.UPPER, 900, LagBound.EXACT, GroupStatus.OK),
            search: PresentLag(None, LagBound.UNKNOWN, 60_000, LagBound.LOWER, GroupStatus.STOPPED),
            group_key("other"): PresentLag(
                1_000_000, LagBound.EXACT, None, LagBound.UNKNOWN, GroupStatus.STALLED
            ),
        },
    }


def format_3_fields():
    """What a text of format 3 could hold, with a value in every field."""
    absent = (topic_key("orders.dlq"), topic_key("orders.parked"))
    return format_2_fields() | {"absent_topics": absent}


def full_state():
    """A state with everything that can stand beside groups and arrival ages."""
    return PartitionState(**format_3_fields())


def full_of_deaths():
    """A state with everything that can stand beside deaths."""
    fields = format_3_fields()
    for of_stream in ("arrival_ages", "groups", "present_lags"):
        del fields[of_stream]
    billing, fraud = group_key("billing"), group_key("fraud")
    fields["causes"] = {
        cause_key("fraud", "InvalidSku", "sku <n>"): Cause("org.example.InvalidSku", 44, fraud),
        cause_key("", "Zeitüberschreitung", ""): Cause("Zeitüberschreitung", 1),
        cause_key("billing", "unclassified", ""): Cause("", 300_000, billing),
        cause_key("fraud", "Timeout", "after <n> ms"): Cause("org.example.Timeout", 2, fraud),
    }
    return PartitionState(
        **fields,
        retrying=70_001,
        death_ages=bell(150, 90_000),
        append_to_death=bell(140, 60_000),
    )


keys = st.binary(min_size=8, max_size=8).map(bytes.hex)
numbers = st.one_of(st.integers(0, 300), st.integers(0, OFFSET - 1))
counts = st.one_of(st.integers(0, 300), st.integers(0, COUNT - 1))
maybe = st.one_of(st.none(), numbers)


def _cuts(seed, total):
    """As many as it takes to cut a total into all buckets at random."""
    return np.random.default_rng(seed).integers(0, total, SIZE - 1, endpoint=True).tolist()


@st.composite
def histograms(draw, ages=GUARANTEED_AGES):
    """Histograms of fewer ages than this: empty, sparse, full, of round and of odd numbers."""
    total = draw(st.one_of(st.just(0), st.integers(1, 500), st.integers(1, ages - 1)))
    cuts = draw(
        st.one_of(
            st.lists(st.integers(0, total), max_size=6),
            st.integers(0, 2**32).map(lambda seed: _cuts(seed, total)),
            st.just([total * part // SIZE for part in range(1, SIZE)]),
        )
    )
    parts = np.diff([0, *sorted(cuts), total])
    table = np.zeros(SIZE, dtype=np.int64)
    first = draw(st.integers(0, SIZE - len(parts)))
    table[first : first + len(parts)] = parts
    return Histogram(table, draw(st.integers(0, total * (2**63 - 1))))


processed = st.tuples(maybe, histograms(), counts, counts).map(ProcessedAges._make)
bounds = st.sampled_from(LagBound)
lags = st.tuples(maybe, bounds, maybe, bounds, st.sampled_from(GroupStatus)).map(PresentLag._make)
class_names = st.text("abÄ.$漢", max_size=21)


def named(names):
    """Tables of counts by name, those of newer versions among them."""
    known = st.sampled_from([*names, f"#{len(names)}", "#63"])
    return st.dictionaries(known, st.integers(1, COUNT - 1), max_size=6)


def causes(groups):
    """Tables of causes that died in one of these groups."""
    cause = st.tuples(class_names, counts, groups).map(Cause._make)
    return st.dictionaries(keys, cause, max_size=5)


@st.composite
def of_stream(draw):
    """Fields of a state with arrival ages and groups, and causes as older texts could have them."""
    aged = draw(st.dictionaries(keys, processed, max_size=3))
    groups = {key: GroupState(draw(maybe), draw(numbers), ages) for key, ages in aged.items()}
    counted = st.tuples(maybe, numbers, st.none()).map(GroupState._make)
    groups |= draw(st.dictionaries(keys.filter(lambda key: key not in aged), counted, max_size=4))
    present = draw(st.dictionaries(keys, lags, max_size=3))
    if groups:
        present |= draw(st.dictionaries(st.sampled_from(sorted(groups)), lags, max_size=3))
    return {
        "arrival_ages": draw(histograms()),
        "groups": groups,
        "causes": draw(causes(st.none())),
        "present_lags": present,
    }


@st.composite
def of_deaths(draw):
    """Fields of a state with deaths, its causes in few groups."""
    groups = draw(st.lists(keys, max_size=3))
    return {
        "causes": draw(causes(st.sampled_from([None, *groups]))),
        "retrying": draw(counts),
        "death_ages": draw(histograms()),
        "append_to_death": draw(histograms()),
    }


@st.composite
def states(draw):
    """Any state: what a text can hold."""
    return PartitionState(
        topic_id=draw(st.one_of(st.none(), st.uuids())),
        life=draw(keys),
        life_start_ms=draw(numbers),
        start_position=draw(numbers),
        position=draw(numbers),
        writer=draw(keys),
        version=draw(numbers),
        as_of_ms=draw(maybe),
        last_record_ms=draw(maybe),
        forgotten=draw(st.booleans()),
        **{name: draw(counts) for name in COUNTERS},
        **{table: draw(named(names)) for table, names in NAMED_COUNTS.items()},
        **draw(st.one_of(of_stream(), of_deaths())),
        other_causes=draw(counts),
        absent_topics=tuple(draw(st.lists(keys, max_size=4, unique=True))),
    )


@pytest.fixture(scope="session", params=[full_state, full_of_deaths])
def everything(request):
    """The states in which every field has a value that can stand beside the others."""
    return request.param()
