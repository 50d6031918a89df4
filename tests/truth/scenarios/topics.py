"""Topics that change under a group."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.truth.gauge import METADATA_SECONDS

if TYPE_CHECKING:
    from tests.truth.stage import Stage


async def partitions_added(stage: Stage) -> None:
    """Two partitions become four, and records come to the new ones three seconds later."""
    topic, group = await stage.topic(2), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await asyncio.gather(
        stage.produce(topic, 20, until=10), stage.follow(topic, group, until=10, behind=6)
    )
    await topic.add_partitions(4)
    await group.commit(topic, {2: 0, 3: 0})
    await stage.until(13)
    await asyncio.gather(
        stage.produce(topic, 20, until=30), stage.follow(topic, group, until=30, behind=3)
    )
    case.stays(began, time.time())
    await group.catch_up(topic)
    await stage.settle()


async def topic_recreated(stage: Stage) -> None:
    """The topic is deleted and created again under its name, and the group begins anew."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await asyncio.gather(stage.produce(topic, 20, until=10), stage.follow(topic, group, until=10))
    case.stays(began, time.time())
    await topic.delete(group)
    await stage.until(14)
    again = await stage.topic()
    case.log = again.log
    case.found_within_seconds = METADATA_SECONDS
    await group.commit_everywhere(again)
    await stage.seen(case)
    seen = time.time()
    end = seen - stage.began + 15
    await asyncio.gather(
        stage.produce(again, 20, until=end), stage.follow(again, group, until=end, behind=2)
    )
    case.stays(seen, time.time())
    await group.catch_up(again)
    await stage.settle()
