"""Two topics, the gauge's group, and processes that count them until they are killed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

import structlog

from streamgauge.app.context import StreamContext
from streamgauge.app.keeper import Keeper
from streamgauge.app.sight import Sight
from streamgauge.app.topic import Follower, TopicWatch
from streamgauge.core.columns import RecordReader
from streamgauge.core.dead_letters.letters import DeadLetterReader
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import RecordRule
from streamgauge.core.gauge import StreamGauge
from streamgauge.kafka.fetching import TailSettings

from .groups import FakeGroup, FakeMembership, FakeSlots
from .jumping import START_MS, until
from .tails import FakeTails, FakeTopic, FakeTopicCluster

ORDERS, LETTERS = ("orders", 0), ("dlq", 0)


async def do_nothing():
    """Before a poll."""


class Told(NamedTuple):
    """One word that dead letters are stored."""

    time: float
    dead_letters: int


class Process:
    """One process that counts `orders` and `dlq`, until it is killed."""

    def __init__(self, world, name, start_from):
        self._world = world
        self.life = name * 16
        self.gauge = StreamGauge(world.policy, self.life, world.now_ms(), kept=True)
        self.told = []
        """When it was said that dead letters are stored, and how many were told then."""
        self.membership = FakeMembership(world.group)
        self.slots = FakeSlots(world.group)
        logger = structlog.get_logger()
        context = StreamContext(
            gauge=self.gauge,
            cluster=FakeTopicCluster(world.tails),
            isolation_level="read_committed",
            sight=Sight(self.gauge, logger, world.now_ms, lambda: None),
            log=logger,
            now_ms=world.now_ms,
            start_tail=world.tails.start,
        )
        self.keeper = Keeper(context, self.membership, self.slots, self.life, self._last_told)
        context = replace(context, keeper=self.keeper)
        readers = {
            "orders": RecordReader([RecordRule()]),
            "dlq": DeadLetterReader([RecordRule()], ReadingRules()),
        }
        follower = Follower(self._folded, lambda _: None, lambda *_: None, do_nothing)
        watches = [
            TopicWatch(context, reader, TailSettings(topic=topic), start_from, follower)
            for topic, reader in readers.items()
        ]
        works = (self.keeper.run(), *(watch.run() for watch in watches))
        self.tasks = [asyncio.create_task(work) for work in works]

    async def _last_told(self):
        await asyncio.sleep(0.01)
        self._world.asked += 1
        await self._world.answers.wait()
        return self._world.last_told

    def _folded(self, columns, ages):
        if ages is None and len(columns.offsets):
            self.keeper.wake(self._note_told)

    def _note_told(self):
        self.told.append(Told(asyncio.get_running_loop().time(), self.dead_letters))

    def dead_letters_told(self):
        """How many were told when it was said last that some are stored."""
        return self.told[-1].dead_letters if self.told else 0

    async def end(self):
        """Stop counting, as the service does before it stores for the last time."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def kill(self):
        """Be gone at once; after a while the group knows."""
        await self.end()
        self._world.group.depart(self.membership)

    def snapshot(self):
        """What the gauge says now."""
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()
        return self.gauge.tick(self._world.now_ms()).snapshot

    @property
    def records(self):
        """Records as they are told."""
        return self.snapshot().totals.records

    @property
    def dead_letters(self):
        """Dead letters as they are told."""
        return self.snapshot().totals.dead_letters

    async def tells(self, records):
        """Wait until so many records are told."""
        await until(lambda: self.records == records, 60.0)

    def blind(self):
        """Why nothing can be stored; None if it can."""
        return next((b.reason for b in self.snapshot().blind if b.what == "stored state"), None)


class World:
    """Two topics, the gauge's group, and what Dagster was told.

    Attributes:
        last_told: positions by topic and partition; None if Dagster is away.
        answers: set while Dagster answers at once; else a question waits for it.
        asked: how often it was asked.
    """

    def __init__(self, policy):
        self.policy = policy
        self.orders, self.letters = FakeTopic(p0=(0, 10)), FakeTopic(p0=(0, 0))
        self.tails = FakeTails(orders=self.orders, dlq=self.letters)
        self.group = FakeGroup(ORDERS, LETTERS)
        self.last_told = {}
        self.answers, self.asked = asyncio.Event(), 0
        self.answers.set()
        self.started = []

    def now_ms(self):
        """The loop's time."""
        return START_MS + round(asyncio.get_running_loop().time() * 1000)

    def start(self, name="a", start_from="latest"):
        """One more process, whose name is one hexadecimal digit."""
        self.started.append(Process(self, name, start_from))
        return self.started[-1]

    async def counting(self, name="a", start_from="latest"):
        """One more process, once its first positions are stored."""
        started = self.start(name, start_from)
        await until(lambda: len(started.gauge.positions("dlq")) == 1, 60.0)
        await until(lambda: len(started.gauge.positions("orders")) == 1, 60.0)
        return started

    async def killed(self):
        """A process that has told 5 orders more, and was killed then."""
        first = await self.counting("a")
        self.orders.append(5)
        await first.tells(5)
        await first.kill()
        return first

    def commits(self, topic):
        """States of the topic's partition 0 that were to be stored so far."""
        return [states[topic, 0] for _, _, states in self.group.commits if (topic, 0) in states]
