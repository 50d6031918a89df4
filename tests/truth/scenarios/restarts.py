"""Gauge and broker go away and come back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.truth.gauge import PATIENCE_SECONDS
from tests.truth.judge import SETTLED_SECONDS
from tests.truth.record_of_truth import Span

if TYPE_CHECKING:
    from tests.truth.stage import Stage

AWAY_SECONDS = 12.0
BACK_SECONDS = 60.0


async def gauge_restarted(stage: Stage) -> None:
    """The gauge is stopped and started again while a group reads on."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    working = asyncio.gather(
        stage.produce(topic, 20, until=40), stage.follow(topic, group, until=40, behind=5)
    )
    stopped = await stage.until(12)
    await stage.gauge.restart()
    (down,) = stage.gauge.sight.down
    await working
    case.gaps.append(Span(down.lo - PATIENCE_SECONDS, down.hi + PATIENCE_SECONDS))
    case.stays(began, stopped)
    case.stays(down.hi, time.time())
    await group.catch_up(topic)
    await stage.settle()


async def broker_restarted(stage: Stage) -> None:
    """The broker is killed while a group is 80 records behind, and started again."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await asyncio.gather(stage.produce(topic, 20, until=10), stage.follow(topic, group, until=6))
    case.stays(began, time.time() - 4)
    killed = time.time()
    await asyncio.to_thread(stage.broker.kill)
    await asyncio.sleep(AWAY_SECONDS)
    started = time.time()
    await asyncio.to_thread(stage.broker.start, BACK_SECONDS)
    await topic.led(BACK_SECONDS)
    stage.world.reconnect()
    back = time.time()
    stage.away.append((Span(killed, started), back))
    case.gaps.append(Span(killed - PATIENCE_SECONDS, back + SETTLED_SECONDS))
    await asyncio.sleep(2 * SETTLED_SECONDS)
    end = time.time() - stage.began + 10
    await asyncio.gather(
        stage.produce(topic, 20, until=end), stage.follow(topic, group, until=end, behind=5)
    )
    await group.catch_up(topic)
    await stage.settle()
