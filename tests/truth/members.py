"""Groups with members: real consumers that are in a group and commit through it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

from .record_of_truth import GroupHistory, Span
from .world import finished

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .world import Topic, World

JOIN_SECONDS = 20.0
BATCH = 50


class Member:
    """A consumer of a group.

    Args:
        world: where.
        name: of the group.
        topic: what it subscribes to.
        protocol: `classic`, or `consumer` for that of KIP-848.
    """

    def __init__(self, world: World, name: str, topic: Topic, protocol: str = "classic") -> None:
        self.history = GroupHistory(name)
        self._topic = topic
        own = {"heartbeat.interval.ms": 1000, "session.timeout.ms": 10_000}
        self._consumer = Consumer({
            **world.config,
            **(own if protocol == "classic" else {}),
            "group.id": name,
            "group.protocol": protocol,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        })  # fmt: skip
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        """Of its group."""
        return self.history.name

    async def join(self) -> None:
        """Return when it has all partitions of the topic."""
        self._consumer.subscribe([self._topic.name])
        until = time.monotonic() + JOIN_SECONDS
        while len(self._consumer.assignment()) < self._topic.log.partitions:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} was not given the topic's partitions")
            await self._in_turn(self._consumer.poll, 0.05)
        self._consumer.pause(self._consumer.assignment())

    async def stay(self) -> None:
        """Stay in the group until cancelled, without reading."""
        while True:
            await self._in_turn(self._consumer.poll, 0.02)
            await asyncio.sleep(0.5)

    async def commit(self, topic: Topic, offsets: Mapping[int, int]) -> None:
        """Commit offsets by partition."""
        wanted = [TopicPartition(topic.name, p, offset) for p, offset in offsets.items()]
        before, after = await self._in_turn(self._commit, wanted)
        self.history.committed(topic.log, dict(offsets), Span(before, after))

    async def read(self) -> None:
        """Read and commit what comes, until cancelled."""
        self._consumer.resume(self._consumer.assignment())
        while True:
            messages = await self._in_turn(self._consumer.consume, BATCH, 0.05)
            offsets = {each.partition(): each.offset() + 1 for each in messages}
            if offsets:
                await self.commit(self._topic, offsets)
            await asyncio.sleep(0.1)

    async def leave(self) -> None:
        """Leave the group."""
        await self._in_turn(self._consumer.close)

    def _commit(self, wanted: list[TopicPartition]) -> tuple[float, float]:
        before = time.time()
        self._consumer.commit(offsets=wanted, asynchronous=False)
        return before, time.time()

    async def _in_turn(self, what, *arguments):
        """Run in a thread, one at a time."""
        async with self._turn:
            return await finished(what, *arguments)
