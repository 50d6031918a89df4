"""Logs in which offsets and times are not what they seem."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.truth.contents import watch_contents
from tests.truth.transactions import Transactions
from tests.truth.world import meanwhile

if TYPE_CHECKING:
    from tests.truth.stage import Stage


async def compacted(stage: Stage) -> None:
    """A group stands at the beginning of a topic from which most records vanish."""
    topic = await stage.topic(
        compacted=True,
        cleanup_policy="compact",
        segment_ms="1000",
        min_cleanable_dirty_ratio="0.01",
        delete_retention_ms="0",
    )
    group = stage.group()
    await group.commit_everywhere(topic)
    stage.watch(topic, group)
    async with meanwhile(watch_contents(stage.world, topic)):
        await stage.begin()
        number = 0
        async for _ in stage.every(0.1, until=30):
            topic.send(key=str(number % 12))
            number += 1
        await topic.flush()
        await group.commit(topic, {0: topic.written[0] // 2})
        await stage.until(34)
        await group.catch_up(topic)
        await stage.settle()


async def transactions(stage: Stage) -> None:
    """Records come in transactions, a third of them aborted; then all is quiet."""
    topic, group = await stage.topic(), stage.group()
    writer = Transactions(stage.world, stage.named("writer"))
    await writer.prepare()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began, number = time.time(), 0
    async for _ in stage.every(0.7, until=20):
        await writer.begin()
        await writer.send(topic, 5)
        await (writer.abort if number % 3 == 1 else writer.commit)(topic)
        number += 1
        await asyncio.sleep(0.1)
        # as a consumer does that has not been told of the marker: it commits after the last record
        readable = [r for r in topic.log.records if not r.transaction.aborted]
        await group.commit(topic, {0: max(r.offset for r in readable) + 1})
    case.stays(began, await stage.until(36))
    await stage.settle()
    writer.close()


async def open_transaction(stage: Stage) -> None:
    """A transaction stays open for 15 seconds, and hides what comes after it."""
    topic, group = await stage.topic(), stage.group()
    writer = Transactions(stage.world, stage.named("writer"))
    await writer.prepare()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    producing = asyncio.ensure_future(stage.produce(topic, 5, until=32))
    reading = asyncio.ensure_future(_read_stable(stage, topic, group))
    await stage.until(6)
    await writer.begin()
    await writer.send(topic, 50)
    await stage.until(21)
    await writer.commit(topic)
    await asyncio.gather(producing, reading)
    case.stays(began, time.time())
    await group.catch_up(topic)
    await stage.settle()
    writer.close()


async def _read_stable(stage: Stage, topic, group) -> None:
    async for _ in stage.every(0.3, until=32):
        await group.catch_up(topic)


async def retention(stage: Stage) -> None:
    """Records are deleted under a group that stands, on demand and by retention."""
    topic = await stage.topic(retention_ms="6000", segment_ms="1000")
    group = stage.group()
    await group.commit_everywhere(topic)
    stage.watch(topic, group)
    async with meanwhile(topic.watch_start()):
        await stage.begin()
        producing = asyncio.ensure_future(stage.produce(topic, 20, until=22))
        await stage.until(4)
        await topic.delete_before(0, 30)
        await producing
        await topic.keep_all()
        await stage.until(27)
        await group.catch_up(topic)
        await stage.settle()


async def skewed_clock(stage: Stage) -> None:
    """The producer's clock is ahead for one record and behind for the next."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    reading = asyncio.ensure_future(stage.follow(topic, group, until=30, behind=4, every=0.3))
    skews = (3.0, -5.0, 3.0, 3.0, -5.0, -5.0)
    number = 0
    async for now in stage.every(0.1, until=30):
        topic.send(event=now + skews[number // 10 % len(skews)])
        number += 1
    await topic.flush()
    await reading
    case.stays(began, time.time())
    await group.catch_up(topic)
    await stage.settle()


async def log_append_time(stage: Stage) -> None:
    """The time of an event is when the broker has appended it, whatever the producer says."""
    topic = await stage.topic(message_timestamp_type="LogAppendTime")
    group = stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group, event_time=["record"])
    await stage.begin()
    began = time.time()
    reading = asyncio.ensure_future(stage.follow(topic, group, until=30, behind=2))
    async for now in stage.every(0.1, until=30):
        topic.send_stamped(event=now - 100, by_broker=True)
    await topic.flush()
    await reading
    case.stays(began, time.time())
    await group.catch_up(topic)
    await stage.settle()
