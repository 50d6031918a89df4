"""A process that reports as gauges of many streams do, and that can be stopped for a while."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import asyncio
import multiprocessing
import time
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from fed import FedGauge, Feed

from streamgauge.app.context import new_life
from streamgauge.config import of_values
from streamgauge.config.policies import stream_policy
from streamgauge.core.totals import Totals
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.delivery import DagsterSink
from streamgauge.dagster.transport import DagsterAddress
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.model import Level, LogOffsets

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.core.snapshot import Snapshot

GROUPS = ("fulfillment", "billing")
STREAMS_OF_A_GAUGE = 100
RECORDS = 50
"""Of each stream in a second."""
CHANGE_EVERY_SECONDS = 5
"""Between two changes of a check of some stream; it changes back after as long."""
LOOK_SECONDS = 0.02


def configurations(streams: int) -> list[dict[str, Any]]:
    """What the files of the gauges would hold: a gauge takes so many streams and no more.

    Each stream has two groups and a dead letter topic.
    """
    numbers = range(streams)
    return [
        {
            "kafka": {"bootstrap_servers": "broker:9092"},
            "streams": {
                f"orders_{number}": {
                    "topic": f"orders.{number}",
                    "asset_key": ["kafka", f"orders_{number}"],
                    "groups": list(GROUPS),
                    "dead_letters": [{"topic": f"orders.{number}.dlq"}],
                }
                for number in numbers[first : first + STREAMS_OF_A_GAUGE]
            },
        }
        for first in range(0, streams, STREAMS_OF_A_GAUGE)
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of reports since the start."""

    delivered: int
    failed: int
    cpu_seconds: float
    report_every_seconds: float


class ReportingGauges:
    """The process; it starts stopped, and while it is stopped no time passes for it."""

    def __init__(self, base_url: str, streams: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._going = context.Event()
        self._told, tells = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_report, args=(base_url, streams, self._going, tells), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        self.told()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def go_on(self) -> None:
        """Let it report."""
        self._going.set()

    def stop(self) -> Told:
        """Stop it, and give what became of its reports."""
        self._going.clear()
        return self.told()

    def told(self) -> Told:
        """Wait until it has stopped."""
        told: Told = self._told.recv()
        return told


class StoppedTime(asyncio.SelectorEventLoop):
    """A loop whose time leaves out the seconds for which it was stopped."""

    stopped_seconds = 0.0

    def time(self) -> float:
        """Seconds, monotonic."""
        return super().time() - self.stopped_seconds


def _report(base_url: str, streams: int, going: Event, told: Connection) -> None:
    with asyncio.Runner(loop_factory=StoppedTime) as runner:
        runner.run(_run(base_url, streams, going, told))


async def _run(base_url: str, streams: int, going: Event, told: Connection) -> None:
    sinks, every_ms = [], 0
    async with asyncio.TaskGroup() as tasks:
        for values in configurations(streams):
            config = of_values({**values, "dagster": {"base_url": base_url}})
            dagster = config.dagster
            if dagster is None:
                raise ValueError("the configuration has a section dagster")
            timeout_seconds, every_ms = dagster.timeout_ms / 1000, dagster.report_every_ms
            client = DagsterClient(DagsterAddress(base_url, timeout_seconds=timeout_seconds))
            sink = DagsterSink(client, report_every_ms=every_ms, clock=wall_clock_ms)
            snapshots = [
                first_snapshot(stream_policy(name, stream, config.kafka))
                for name, stream in config.streams.items()
            ]
            sinks.append(sink)
            tasks.create_task(sink.run())
            tasks.create_task(_publish(sink, snapshots))
        tasks.create_task(_obey(sinks, going, told, every_ms / 1000))


async def _obey(
    sinks: list[DagsterSink], going: Event, told: Connection, every_seconds: float
) -> None:
    """Block the whole loop while it is to be stopped."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StoppedTime)  # noqa: S101 - the runner was given it
    while True:
        if not going.is_set():
            began, every = time.monotonic(), [sink.health() for sink in sinks]
            delivered, failed = (
                sum(getattr(each, name) for each in every) for name in ("delivered", "failed")
            )
            told.send(Told(delivered, failed, time.process_time(), every_seconds))
            going.wait()
            loop.stopped_seconds += time.monotonic() - began
        await asyncio.sleep(LOOK_SECONDS)


async def _publish(sink: DagsterSink, snapshots: list[Snapshot]) -> None:
    """Every stream once a second, evenly, as gauges that began at different moments do."""
    for second in count():
        for number, snapshot in enumerate(snapshots):
            changing = second // CHANGE_EVERY_SECONDS % len(snapshots) == number
            snapshots[number] = later(snapshot)
            sink.publish(dead_lettered(snapshots[number]) if changing else snapshots[number])
            await asyncio.sleep(1 / len(snapshots))


def first_snapshot(policy: StreamPolicy) -> Snapshot:
    """What a gauge says that has seen one batch, and whose groups have passed all of it."""
    now_ms = wall_clock_ms()
    gauge = FedGauge(policy, new_life(), now_ms, kept=False)
    moment = Feed(policy.topic, GROUPS, {0: 0}).moment(now_ms, at_rest=False)
    gauge.assigned(policy.topic, {0: 0})
    for letters in policy.dead_letters:
        gauge.assigned(letters.topic, {0: 0})
        gauge.answered(letters.topic, 0, 0, now_ms)
        gauge.offsets((), LogOffsets(letters.topic, {0: 0}, {0: 0}, now_ms))
    gauge.feed(moment, tick=False)
    return gauge.tick(now_ms).snapshot


def later(snapshot: Snapshot) -> Snapshot:
    """The stream when it has counted more; its checks were judged again and say the same."""
    more, now_ms = Totals(records=RECORDS), wall_clock_ms()
    (partition,) = snapshot.partitions
    at = partition.next_offset + RECORDS
    grown = replace(
        partition, next_offset=at, end_offset=at, as_of_ms=now_ms, totals=partition.totals + more
    )
    return replace(snapshot, as_of_ms=now_ms, totals=snapshot.totals + more, partitions=(grown,))


def dead_lettered(snapshot: Snapshot) -> Snapshot:
    """The same while one of its checks fails."""
    verdicts = tuple(
        replace(each, level=Level.FAIL) if each.check == "no_dead_letters" else each
        for each in snapshot.verdicts
    )
    return replace(snapshot, verdicts=verdicts)
