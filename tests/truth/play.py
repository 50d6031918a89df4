"""Plays scenarios: those that share a gauge at the same time, the others each with its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .gauge import Gauge
from .scenarios import ALONE, SCENARIOS, TOGETHER
from .stage import Stage
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from streamgauge_demo.parts.broker_java import JavaBroker

LONGEST_SECONDS = 300.0


async def play(
    names: Collection[str],
    broker: JavaBroker,
    folder: Path,
    say: Callable[[str], None],
) -> list[Stage]:
    """Play scenarios and return where they have played, in the order of the list.

    Args:
        names: of the scenarios.
        broker: a cluster of their own.
        folder: for what the gauges need.
        say: told what goes on.
    """
    world = World(broker.bootstrap_servers)
    stages = {name: Stage(name, world, broker) for name in SCENARIOS if name in names}
    shared = [stage for name, stage in stages.items() if name in TOGETHER]
    alone = [stage for name, stage in stages.items() if name in ALONE]
    try:
        if shared:
            say(f"{len(shared)} scenarios with one gauge")
            await _company(shared, folder / "together")
        for stage in alone:
            say(f"{stage.name}, with a gauge of its own")
            await _company([stage], folder / stage.name)
    finally:
        world.close()
    return list(stages.values())


async def _company(stages: list[Stage], folder: Path) -> None:
    """Play scenarios with one gauge, which starts when all of them are prepared."""
    tasks = [asyncio.ensure_future(SCENARIOS[stage.name](stage)) for stage in stages]
    gauge: Gauge | None = None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _all_prepared(stages, tasks)
            streams = {name: of for stage in stages for name, of in stage.streams.items()}
            gauge = Gauge(folder, stages[0].world.bootstrap_servers, streams)
            await gauge.start()
            for stage in stages:
                stage.gauge = gauge
                stage.raised.set()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if gauge is not None:
            await asyncio.to_thread(gauge.close)
    for stage, outcome in zip(stages, ended, strict=True):
        stage.failed = outcome if isinstance(outcome, Exception) else None


async def _all_prepared(stages: list[Stage], tasks: list[asyncio.Future[None]]) -> None:
    """Return when they are; raise what has ended one of them before."""
    ready = asyncio.gather(*(stage.prepared.wait() for stage in stages))
    ended, _ = await asyncio.wait([ready, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for each in ended:
        await each
