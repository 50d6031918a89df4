"""What the model of kept state is made of: processes with a real gauge, commits, and records."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.core.state.codec import encode
from streamgauge.core.state.keys import group_key
from streamgauge.model import UNKNOWN, Columns

TOPIC, LETTERS = "orders", "dlq"
TOPICS = (TOPIC, LETTERS)
PLACES = ((TOPIC, 0), (TOPIC, 1), (TOPIC, 2), (LETTERS, 0))
"""All that can ever be; the last two come later."""
RECORDS_MAX = 40
"""Of a partition: the record at offset n has 2**n bytes, so that a sum tells which are in it."""
POLICY = StreamPolicy(
    name="orders",
    topic=TOPIC,
    asset_key=("orders",),
    groups=("g",),
    dead_letters=(DeadLetterTopic(LETTERS, ("dlq",)),),
    window_ms=60_000,
    resolution_ms=100,
    checks={},
)


@dataclass(eq=False)
class Commit:
    """A commit in flight."""

    identity: tuple[int, int]
    """Generation and member."""
    states: dict
    captured: dict
    """By place; empty where first positions are stored."""
    texts: dict = field(default_factory=dict)

    def __post_init__(self):
        self.texts = {
            place: (encode(state).text, state.position) for place, state in self.states.items()
        }


class Process:
    """One process of the gauge, as `Keeper` makes it act."""

    def __init__(self, name, now_ms):
        self.writer = f"{name:016x}"
        self.gauge = StreamGauge(POLICY, f"{name:016x}", now_ms, kept=True)
        self.member = None
        self.identity = None
        """None unless it believes to hold the group."""
        self.version = 0
        self.sent = {}
        self.doubtful = {}
        self.in_flight = None
        self.acknowledged = {}
        """The last report of each topic that Dagster has acknowledged."""
        self.resumed = None
        """Life in which Dagster was asked for the reports to follow."""
        self.known_topics = set()
        """Topics of which this process has had positions: what appears is read from 0."""
        self.silent = False
        """Whether it has noticed that it lost the group, and tells nothing."""

    def signature(self):
        """Whose the next state is."""
        self.version += 1
        return self.writer, self.version

    def is_another(self, coordinator):
        """Whether it holds the group under an identity of which it does not know yet."""
        now = (coordinator.generation, self.member)
        return self.member == coordinator.holder is not None and self.identity != now

    def positions(self):
        """Where it reads, by place."""
        return {
            (topic, number): at
            for topic in TOPICS
            for number, at in self.gauge.positions(topic).items()
        }


def topic_id(topic, incarnation):
    """Kafka's id of a topic that was created so many times before."""
    return UUID(int=1_000 * (1 + TOPICS.index(topic)) + incarnation)


def records(place, first, after, now_ms):
    """Live records, whose age is that at which this process has received them."""
    topic, partition = place
    offsets = np.arange(first, after, dtype=np.int64)
    none = np.full(len(offsets), UNKNOWN, dtype=np.int64)
    letters = [
        Letter(DeadLetter(dialect=Dialect.UNCLASSIFIED), partition, offset, None, None, None, None)
        for offset in offsets.tolist()
        if topic == LETTERS
    ]
    return Columns(
        letters=letters,
        topic=topic,
        partition=partition,
        next_offset=after,
        received_ms=now_ms,
        live=True,
        offsets=offsets,
        append_ms=none,
        event_ms=none * 0 + 1_000_000,
        event_time_source=np.zeros(len(offsets), dtype=np.int8),
        contexts=[None] * len(offsets),
        sampled=np.zeros(len(offsets), dtype=bool),
        tracestates={},
        byte_count=sum(1 << int(offset) for offset in offsets),
        rejected_contexts={},
        unreadable_event_times={},
    )


def holds_exactly(topic, state):
    """Whether the totals of a state are those of the records up to its position, each once."""
    start, end = state.start_position, state.position
    if topic == LETTERS:
        return (state.dead_letters, state.records) == (end - start, 0)
    return (
        (state.records, state.dead_letters) == (end - start, 0)
        and state.bytes == sum(1 << offset for offset in range(start, end))
        and state.arrival_ages.count == end - start
    )


def size(told):
    """What grows with every later report of a life."""
    groups = told.totals.groups.values()
    return (
        told.totals.dead_letters,
        len(told.positions),
        sum(row.next_offset for row in told.positions),
        len(groups),
        sum(group.committed for group in groups),
    )


def greatest(reports, life=None):
    """The greatest report of a life, without one of the life that was told of last."""
    if life is None:
        life = max(reports, key=lambda each: each.end_ms).life if reports else None
    same = [each for each in reports if each.life == life]
    return max(same, key=lambda each: (each.sequence, each.arrived_total), default=None)


def totals_of_group(state):
    """Highest commit of the watched group, and the offsets that it has moved forward."""
    group = state.groups.get(group_key("g"))
    return (None, 0) if group is None else (group.highest_commit, group.committed)


def ages_each_once(state):
    """Whether what the group's commits moved over, and the tail has read, is counted as passed."""
    (highest, committed), group = totals_of_group(state), state.groups.get(group_key("g"))
    if highest is None or group.processed is None:
        return highest is None
    done, first = group.processed, highest - committed
    counted = max(0, min(highest, state.position) - first)
    return (done.aged_to, done.ages.count + done.unaged, done.reprocessed) == (
        first + counted,
        counted,
        0,
    )


def first_commit(state):
    """Where the group was when it was seen for the first time."""
    highest, committed = totals_of_group(state)
    return None if highest is None else highest - committed
