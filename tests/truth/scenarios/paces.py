"""Groups that keep up, each in its way."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.truth.stage import Stage


async def steady(stage: Stage) -> None:
    """Ten records a second on each of two partitions, read at once but for the last three."""
    topic, group = await stage.topic(2), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await asyncio.gather(
        stage.produce(topic, 20, until=40),
        stage.follow(topic, group, until=40, behind=3),
    )
    case.stays(began, time.time())
    await group.catch_up(topic)
    await stage.settle()


async def spike(stage: Stage) -> None:
    """4,000 records come at once and are read within 16 seconds."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await asyncio.gather(stage.produce(topic, 5, until=8), stage.follow(topic, group, until=8.5))
    topic.send(4_000)
    await topic.flush()
    await asyncio.gather(
        stage.produce(topic, 5, until=35), stage.advance(topic, group, 250, until=36, every=0.1)
    )
    case.stays(began, time.time(), "OK", "LAGGING")
    await group.catch_up(topic)
    await stage.settle()


async def idle_then_one(stage: Stage) -> None:
    """On an idle topic one record comes and is not read for 18 seconds."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    came = await stage.until(8)
    topic.send()
    await topic.flush()
    read = await stage.until(26)
    await group.catch_up(topic)
    case.stays(began, came)
    case.tells({"STOPPED", "STALLED"}, came, read)
    ended = await stage.until(36)
    case.stays(read + 2, ended)
    await stage.settle()


async def sparse(stage: Stage) -> None:
    """A record comes every nine seconds and is read at once."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    async for _ in stage.every(9, until=38):
        topic.send()
        await topic.flush()
        await asyncio.sleep(0.3)
        await group.catch_up(topic)
    case.stays(began, await stage.until(42))
    await stage.settle()
