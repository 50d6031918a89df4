"""What tests of the wiring share: a cluster that answers by script, a gauge, its log."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from streamgauge.app.context import StreamContext
from streamgauge.app.sight import Sight
from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.kafka.answers import Absent, Present
from streamgauge.kafka.polled import Polled, Progress
from streamgauge.kafka.topic_settings import UNKNOWN_SETTINGS
from streamgauge.model import CommittedOffsets, LogOffsets

from .jumping import FIRST_ID, START_MS
from .world import World


class Never:
    """An answer that does not come."""


class FakeCluster:
    """Answers as it was told: a value, an error to raise, `Never`, or a list of those in turn.

    The last entry of a list stays.
    """

    connection = None

    def __init__(self):
        self.topics = {}
        self.ends = LogOffsets("orders", {0: 0}, {0: 0}, START_MS)
        self.commits = {}
        self.listing = None
        self.settings = UNKNOWN_SETTINGS
        self.records = {}
        self.asked = []
        self.closed = False

    async def start(self):
        """Connect to nobody."""

    async def close(self):
        """Note that it was closed."""
        self.closed = True

    async def topic(self, name):
        """The state of a topic; absent unless told."""
        self.asked.append(("topic", name))
        return await self._answer(self.topics, name, Absent())

    async def log_offsets(self, topic, partitions, isolation_level):
        """Start and end offsets."""
        self.asked.append(("ends", topic, tuple(partitions), isolation_level))
        return await self._answer(vars(self), "ends", None)

    async def committed(self, group, topic, partitions):
        """What a group has committed; nothing unless told."""
        self.asked.append(("committed", group))
        nothing = CommittedOffsets(group, topic, dict.fromkeys(partitions), START_MS)
        return await self._answer(self.commits, group, nothing)

    async def topic_settings(self, topic):
        """How long records stay; unknown unless told."""
        assert topic == "orders"
        return await self._answer(vars(self), "settings", UNKNOWN_SETTINGS)

    async def first_records(self, topic, offsets, isolation_level, reader):
        """The first records from these offsets on, of those that were told."""
        assert (topic, isolation_level, reader is None) == ("orders", "read_committed", False)
        self.asked.append(("first", dict(offsets)))
        await asyncio.sleep(0)
        return {p: self.records[p, at] for p, at in offsets.items() if (p, at) in self.records}

    async def groups(self):
        """The groups of the cluster."""
        self.asked.append(("groups",))
        return await self._answer(vars(self), "listing", None)

    async def _answer(self, script, key, default):
        await asyncio.sleep(0)
        answer = script.get(key, default)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is Never:
            await asyncio.Event().wait()
        return answer


def present(*partitions, topic_id=FIRST_ID, leaderless=()):
    """A topic with these partitions."""
    return Present(topic_id, {p: -1 if p in leaderless else 1 for p in partitions})


def log(ends, starts=None, topic="orders"):
    """Start and end offsets of partitions."""
    return LogOffsets(topic, starts or dict.fromkeys(ends, 0), ends, START_MS)


def polled(columns=(), notices=(), **progress):
    """A poll that leaves `p0=(next offset, end offset, answered)`."""
    stands = {int(name[1:]): Progress(*at) for name, at in progress.items()}
    return Polled(columns, stands, notices)


@pytest.fixture
def lines():
    """The log lines so far, as dictionaries with `event` and `log_level`."""
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture
def events(lines):
    """Names of the events told so far."""
    return lambda: [line["event"] for line in lines]


@pytest.fixture
def cluster():
    """A cluster that answers by script."""
    return FakeCluster()


@pytest.fixture
def policy():
    """Makes policies of a stream `orders` with a dead letter topic: `policy("group", "a-*")`."""

    def make(*groups, dead_letters=("dlq",), **changes):
        letters = tuple(DeadLetterTopic(name, ("kafka", name)) for name in dead_letters)
        fields = {
            "name": "shop",
            "topic": "orders",
            "asset_key": ("kafka", "orders"),
            "groups": groups,
            "dead_letters": letters,
            "window_ms": 60_000,
            "resolution_ms": 100,
            "checks": {},
        }
        return StreamPolicy(**fields | changes)

    return make


@pytest.fixture
def context(policy, cluster, lines):
    """Makes contexts with a gauge of the policy for these groups, and time from the loop."""

    def make(*groups, start_tail=None, **changes):
        def now_ms():
            return START_MS + round(asyncio.get_running_loop().time() * 1000)

        gauge = StreamGauge(policy(*groups, **changes), "first-life", START_MS)
        logger = structlog.get_logger()
        more = {} if start_tail is None else {"start_tail": start_tail}
        sight = Sight(gauge, logger, now_ms, lambda: None)
        return StreamContext(gauge, cluster, "read_committed", sight, logger, now_ms, **more)

    return make


@pytest.fixture
def world(policy, lines):
    """A world at rest: 10 orders and no dead letter."""
    return World(policy("g", dead_letters=("dlq",)))
