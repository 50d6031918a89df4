"""Groups that go back, come, go, and are of the newer protocol."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.truth.world import meanwhile

if TYPE_CHECKING:
    from tests.truth.stage import Stage
    from tests.truth.world import Group, Topic

FOUND_WITHIN_SECONDS = 10.0
"""How often the gauge looks for groups that a pattern means."""


async def out_of_order_and_rewound(stage: Stage) -> None:
    """One group commits to and fro all the time, another one is set back by 200 records."""
    topic, restless, rewound = await stage.topic(), stage.group("restless"), stage.group("rewound")
    for group in (restless, rewound):
        await group.commit_everywhere(topic)
    to_and_fro, set_back = stage.watch(topic, restless, rewound)
    await stage.begin()
    began = time.time()
    await stage.produce(topic, 100, until=5)
    wandering = asyncio.ensure_future(_commit_to_and_fro(stage, topic, restless))
    await stage.advance(topic, rewound, 100, until=10)
    await stage.until(12)
    highest, back = rewound.history.now[0], time.time()
    await rewound.commit(topic, {0: highest - 200})
    await stage.advance(topic, rewound, 10, until=30)
    to_and_fro.stays(began, time.time(), "OK", "LAGGING", "REWOUND", "STOPPED")
    set_back.tells({"REWOUND"}, back, time.time())
    await wandering
    for group in (restless, rewound):
        await group.catch_up(topic)
    await stage.settle()


async def _commit_to_and_fro(stage: Stage, topic: Topic, group: Group) -> None:
    """Forty on, twenty back, until the end of the log."""
    reached = 0
    async for _ in stage.every(0.5, until=32):
        reached += 40 if reached % 40 == 0 else -20
        await group.commit(topic, {0: min(reached, topic.written[0])})


async def group_deleted(stage: Stage) -> None:
    """A group reads, and is deleted."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    producing = asyncio.ensure_future(stage.produce(topic, 10, until=25))
    await stage.follow(topic, group, until=12)
    case.stays(began, time.time())
    await stage.until(14)
    await group.delete()
    await producing
    await stage.settle()


async def group_late(stage: Stage) -> None:
    """A group that a pattern means comes later, with a backlog."""
    topic, group = await stage.topic(), stage.group("late")
    (case,) = stage.watch(topic, group, groups=[stage.named("late")[:-2] + "*"])
    case.found_within_seconds = FOUND_WITHIN_SECONDS
    await stage.begin()
    producing = asyncio.ensure_future(stage.produce(topic, 10, until=40))
    await stage.until(8)
    await group.commit(topic, {0: 50})
    await stage.seen(case)
    seen = time.time()
    await stage.follow(topic, group, until=40)
    await producing
    case.stays(seen, time.time())
    await group.catch_up(topic)
    await stage.settle()


async def kip_848(stage: Stage) -> None:
    """A consumer of the newer group protocol reads."""
    topic = await stage.topic(2)
    member = stage.member(topic, protocol="consumer")
    await member.join()
    await member.commit(topic, {0: 0, 1: 0})
    (case,) = stage.watch(topic, member)
    await stage.begin()
    began = time.time()
    async with meanwhile(member.read()):
        await stage.produce(topic, 20, until=35)
        case.stays(began, time.time())
        await asyncio.sleep(1.0)
        await stage.settle()
    await member.leave()
