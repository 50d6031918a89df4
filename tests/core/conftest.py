"""What the tests of the core share: columns and snapshots made from a few plain values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, settings

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.snapshot import DeadLetterTopicView, Keeping, Snapshot, Window
from streamgauge.core.state.partition_state import PartitionState
from streamgauge.core.totals import Totals
from streamgauge.model import UNKNOWN, Columns, LogOffsets

# Few examples and no search for the smallest: a mutant that lives shall not cost minutes.
settings.register_profile(
    "mutants",
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)

FAR_ENDS = LogOffsets("orders", {}, dict.fromkeys(range(16), 1 << 40), 0)
"""Where the log of `orders` ends, so that every commit fits it; older than any, so of no lag."""

CONTEXT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def unclassified(partition, first_offset, count):
    """Dead letters that say nothing, at consecutive offsets."""
    said = DeadLetter(dialect=Dialect.UNCLASSIFIED)
    return [
        Letter(said, partition, first_offset + row, None, None, None, None) for row in range(count)
    ]


def make_columns(
    event_ms,
    *,
    topic="orders",
    partition=0,
    first_offset=0,
    received_ms=10_000,
    live=True,
    append_ms=None,
    source=0,
    contexts=None,
    **more,
):
    """Columns of records with these event times, at consecutive offsets."""
    count = len(event_ms)
    contexts = [None] * count if contexts is None else contexts
    event = np.array(event_ms, dtype=np.int64)
    letters = [] if topic == "orders" else unclassified(partition, first_offset, count)
    fields = {
        "letters": letters,
        "topic": topic,
        "partition": partition,
        "next_offset": first_offset + count,
        "received_ms": received_ms,
        "live": live,
        "offsets": np.arange(first_offset, first_offset + count, dtype=np.int64),
        "append_ms": np.full(count, UNKNOWN) if append_ms is None else np.array(append_ms),
        "event_ms": event,
        "event_time_source": np.where(event == UNKNOWN, -1, source).astype(np.int8),
        "contexts": contexts,
        "sampled": np.array(
            [c is not None and c[-1:] in b"13579bdf" for c in contexts], dtype=bool
        ),
        "tracestates": {},
        "byte_count": 7 * count,
        "rejected_contexts": {},
        "unreadable_event_times": {},
    }
    return Columns(**fields | more)


def make_snapshot(**fields):
    """A healthy, idle stream at 1,000 s, with these fields set."""
    base = Snapshot(
        stream="orders",
        topic="orders",
        asset_key=("kafka", "orders"),
        life="life",
        life_start_ms=0,
        as_of_ms=1_000_000,
        totals=Totals(),
        partitions=(),
        dead_letter_partitions=(),
        dead_letters=(DeadLetterTopicView("dlq", ("kafka", "dlq"), Totals(), 0, None),),
        groups={},
        watched_groups=(),
        window_ms=60_000,
        last_window=Window(900_000, 960_000, Totals(), 1.0),
        listening_since_ms=0,
        last_record_ms=None,
        completeness=1.0,
        blind=(),
        verdicts=(),
        resolution_ms=100,
        keeping=Keeping(group="streamgauge.orders"),
    )
    return replace(base, **fields)


def make_state(life="a", position=0, **fields):
    """A state of life `aaaa…`, which began at second 100, that counts nothing up to a position."""
    base = {
        "life": life * 16,
        "life_start_ms": 100_000,
        "start_position": position,
        "position": position,
        "writer": "e" * 16,
        "version": 1,
    }
    return PartitionState(**base | fields)


@pytest.fixture
def state():
    """Maker of states."""
    return make_state


@pytest.fixture
def columns():
    """Maker of columns."""
    return make_columns


@pytest.fixture
def snapshot():
    """Maker of snapshots."""
    return make_snapshot


@pytest.fixture
def context():
    """A valid sampled trace context."""
    return CONTEXT
