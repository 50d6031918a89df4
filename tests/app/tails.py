"""A topic with a log of its own, and tails that read it as the real one does."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from streamgauge.kafka.answers import Absent, Present
from streamgauge.kafka.polled import Lost, Polled, Progress, Truncated
from streamgauge.model import LogOffsets

from .jumping import FIRST_ID, START_MS

AT_ONCE = 3
"""Records that a poll brings of one partition at most."""


class FakeRecord(NamedTuple):
    """What the reader reads of a record."""

    offset: int
    timestamp: int = START_MS
    timestamp_type: int = 1
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple = ()


class FakeTopic:
    """Partitions with start and end offsets; a cluster, a tail and a test look at the same ones."""

    def __init__(self, **partitions):
        self.topic_id = FIRST_ID
        self.logs = {int(name[1:]): list(log) for name, log in partitions.items()}
        self.leaderless = set()
        self.exists = True

    def append(self, count, partition=0):
        """Write so many records."""
        self.logs[partition][1] += count

    def state(self):
        """What Metadata answers."""
        if not self.exists:
            return Absent()
        return Present(self.topic_id, {p: -1 if p in self.leaderless else 1 for p in self.logs})

    def offsets(self, topic, partitions):
        """What ListOffsets answers; a partition without leader is absent."""
        led = {p: self.logs[p] for p in partitions if p in self.logs and p not in self.leaderless}
        return LogOffsets(
            topic,
            {p: start for p, (start, _) in led.items()},
            {p: end for p, (_, end) in led.items()},
            START_MS,
        )


class FakeTail:
    """Reads a `FakeTopic` on from its positions.

    A poll takes a while; if it raises or is cancelled it has read nothing, as `Tail` promises.
    """

    def __init__(self, tails, reader, settings, positions, clock):
        self._tails = tails
        self._reader = reader
        self._topic = settings.topic
        self.positions = dict(positions)
        self._clock = clock
        self._answered = dict.fromkeys(positions)
        self.closed = False

    def add_partitions(self, positions):
        """Read these too."""
        self.positions |= positions
        self._answered |= dict.fromkeys(positions)

    def remove_partitions(self, partitions):
        """Read these no more."""
        self.positions = {p: at for p, at in self.positions.items() if p not in partitions}

    async def close(self):
        """Note that it was closed."""
        self.closed = True

    async def poll(self):
        """What is there."""
        await asyncio.sleep(0.2)
        if self._tails.trouble:
            raise self._tails.trouble.pop(0)
        notices = list(self._tails.notices)
        self._tails.notices.clear()
        columns = [
            found
            for partition in self.positions
            if (found := self._read(partition, notices)) is not None
        ]
        progress = {
            p: Progress(at, None if self._answered[p] is None else self._end(p), self._answered[p])
            for p, at in self.positions.items()
        }
        return Polled(columns, progress, notices)

    def _end(self, partition):
        return self._tails.topics[self._topic].logs[partition][1]

    def _read(self, partition, notices):
        topic = self._tails.topics[self._topic]
        if partition in self._tails.silent or partition not in topic.logs:
            return None
        start, end = topic.logs[partition]
        position = self.positions[partition]
        self._answered[partition] = self._clock()
        if position > end:
            notices.append(Truncated(partition, position, end))
            self.positions[partition] = end
            return None
        if position < start:
            notices.append(Lost(partition, position, start - position))
            self.positions[partition] = start
            return None
        after = min(position + AT_ONCE, end)
        self.positions[partition] = after
        if after == position:
            return None
        records = [FakeRecord(offset) for offset in range(position, after)]
        now_ms = self._clock()
        return self._reader.read(
            self._topic, partition, records, next_offset=after, received_ms=now_ms, live=True
        )


class FakeTails:
    """Starts tails, and makes trouble for the one that is alive.

    Attributes:
        started: all tails so far.
        trouble: errors that the next polls raise, one each.
        notices: what the next poll tells beside.
        silent: partitions for which nobody answers.
    """

    def __init__(self, **topics):
        self.topics = topics
        self.started = []
        self.trouble = []
        self.notices = []
        self.silent = set()

    async def start(self, _cluster, reader, settings, positions, *, clock):
        """Begin at the positions, as `Tail.start` does."""
        await asyncio.sleep(0)
        self.started.append(FakeTail(self, reader, settings, positions, clock))
        return self.started[-1]


class FakeTopicCluster:
    """A cluster that tells what the fake topics are."""

    connection = None

    def __init__(self, tails):
        self._tails = tails
        self.trouble = []

    async def start(self):
        """Connect to nobody."""

    async def topic(self, name):
        """State of the topic."""
        await self._pause()
        return self._tails.topics[name].state()

    async def log_offsets(self, topic, partitions, _isolation_level):
        """Start and end offsets."""
        await self._pause()
        return self._tails.topics[topic].offsets(topic, partitions)

    async def _pause(self):
        await asyncio.sleep(0.01)
        if self.trouble:
            raise self.trouble.pop(0)
