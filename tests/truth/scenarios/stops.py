"""Groups that go no further."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.truth.forecasts import LOOK_BACK_SECONDS
from tests.truth.world import Group, meanwhile

if TYPE_CHECKING:
    from tests.truth.stage import Stage

LAG_LIMIT = 3_000
END_SECONDS = 85


async def stopped_producer_on(stage: Stage) -> None:
    """A consumer leaves, and records go on coming."""
    topic = await stage.topic()
    member = stage.member(topic)
    await member.join()
    await member.commit(topic, {0: 0})
    limits = {
        "lag": {"warn": {"above": LAG_LIMIT}, "fail": {"above": LAG_LIMIT}},
        "time_lag": {"warn": {"above": "1h"}, "fail": {"above": "1h"}},
    }
    (case,) = stage.watch(topic, member, checks=limits)
    await stage.begin()
    began = time.time()
    producing = asyncio.ensure_future(stage.produce(topic, 20, until=END_SECONDS))
    async with meanwhile(member.stay()):
        await stage.follow(topic, member, until=8)
    await member.leave()
    left = time.time()
    await producing
    ended = time.time()
    case.stays(began, left)
    case.tells({"STOPPED"}, left, ended)
    case.foresees("lag_slope", left + LOOK_BACK_SECONDS + 2, ended)
    case.foresees("breach_seconds", left + LOOK_BACK_SECONDS + 2, ended, limit=LAG_LIMIT)
    await Group(stage.world, member.history).catch_up(topic)
    await stage.settle()


async def stopped_producer_idle(stage: Stage) -> None:
    """A consumer stops, and so does the producer: what is left stays."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    (by_default,) = stage.watch(topic, group, stream=f"{stage.name}-default", status_for=None)
    await stage.begin()
    began = time.time()
    await asyncio.gather(stage.produce(topic, 10, until=6), stage.follow(topic, group, until=4))
    stopped = group.history.states[-1].since.hi
    ended = await stage.until(48)
    case.stays(began, stopped)
    case.tells({"STOPPED"}, stopped, ended)
    by_default.tells({"STOPPED"}, stopped, ended, within_seconds=None)
    await group.catch_up(topic)
    await stage.settle()


async def stuck_partition(stage: Stage) -> None:
    """A live member gets no further on one of three partitions, and goes on with the others."""
    topic = await stage.topic(3)
    member = stage.member(topic)
    await member.join()
    await member.commit(topic, {0: 0, 1: 0, 2: 0})
    (case,) = stage.watch(topic, member)
    await stage.begin()
    began = time.time()
    producing = asyncio.ensure_future(stage.produce(topic, 15, until=40))
    async with meanwhile(member.stay()):
        await stage.follow(topic, member, until=6)
        stuck, at = time.time(), member.history.now[2]
        async for _ in stage.every(0.25, until=40):
            await member.commit(topic, {n: end for n, end in topic.written.items() if n != 2})
        await producing
        ended = time.time()
        case.stays(began, stuck)
        case.tells({"STALLED"}, stuck, ended, says=("2", str(at)))
        await member.commit(topic, topic.written)
        await stage.settle()
    await member.leave()
