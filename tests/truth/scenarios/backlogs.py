"""Groups that have much to read, of events long past."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.truth.forecasts import LOOK_BACK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.truth.stage import Stage
    from tests.truth.world import Topic

HISTORY_SECONDS = 300


async def _write(topic: Topic, seconds: Iterable[float]) -> None:
    """Write records of events so many seconds after the beginning of the history."""
    began = time.time() - HISTORY_SECONDS
    for each in seconds:
        topic.send(event=began + each)
    await topic.flush()


async def catch_up_even(stage: Stage) -> None:
    """3,000 records that are spread evenly over 300 seconds are read at a constant rate."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    await _write(topic, (each / 10 for each in range(10 * HISTORY_SECONDS)))
    came = time.time()
    await stage.advance(topic, group, 30, until=85)
    ended = time.time()
    case.stays(came, ended, "OK", "LAGGING")
    case.foresees("drain_seconds", came + LOOK_BACK_SECONDS + 2, ended)
    await group.catch_up(topic)
    await stage.settle()


async def catch_up_uneven(stage: Stage) -> None:
    """2,700 records of the first 20 seconds of 300, then one a second, are read."""
    topic, group = await stage.topic(), stage.group()
    await group.commit_everywhere(topic)
    (case,) = stage.watch(topic, group)
    await stage.begin()
    await _write(topic, (20 * each / 2_700 for each in range(2_700)))
    await _write(topic, range(20, HISTORY_SECONDS))
    came = time.time()
    await stage.advance(topic, group, 80, until=42)
    case.stays(came, time.time(), "OK", "LAGGING")
    await group.catch_up(topic)
    await stage.settle()


async def backlog_before_start(stage: Stage) -> None:
    """The group is 500 records behind when the gauge starts."""
    topic, group = await stage.topic(), stage.group()
    await _write(topic, (each / 2 for each in range(600)))
    await group.commit(topic, {0: 100})
    (case,) = stage.watch(topic, group)
    await stage.begin()
    began = time.time()
    await stage.advance(topic, group, 20, until=30)
    case.stays(began, time.time(), "OK", "LAGGING")
    await group.catch_up(topic)
    await stage.settle()
