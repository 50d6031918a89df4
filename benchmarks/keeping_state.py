"""What keeping state costs against a real Kafka: commits of 64 partitions, 1,000 read back.

Run: `python benchmarks/keeping_state.py`; it starts Apache Kafka in Java, and removes it.
Every partition has counted something since the last commit, which is the most that can be. CPU is
that of this process (user and system), the broker's not. A cycle is what the gauge does at every
commit: copy the totals, encode them, send them in as many requests as it takes, read the answers.
Cycles follow each other after `LEAST_SECONDS` and as long as their bytes take at
`BYTES_PER_SECOND`, at most `MOST_SECONDS`; the share of a core is CPU over that time.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import structlog
from state import WEEK_RECORDS, busy, histograms, lognormal, planted

from streamgauge.app.context import StreamContext
from streamgauge.app.keeper import BYTES_PER_SECOND, LEAST_SECONDS, MOST_SECONDS
from streamgauge.app.sight import Sight
from streamgauge.app.state_writer import StateWriter
from streamgauge.core.gauge import StreamGauge, StreamPolicy
from streamgauge.core.keeping import Goes
from streamgauge.core.state.codec import decode
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.membership import Membership
from streamgauge.kafka.slots import Slots
from streamgauge.kafka.wire import Wire
from streamgauge_demo.parts.broker_java import launch_java_broker

if TYPE_CHECKING:
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.kafka.membership import Identity

CYCLES = 20
ROUNDS = 5
WARM_CYCLES = 3
AT_WORK = 64
READ_BACK = 1_000


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def young() -> PartitionState:
    """An hour of ten records a second, without groups and causes."""
    arrival, *_ = histograms(lognormal, 36_000)
    state = planted()
    return replace(
        state,
        position=state.position + 36_000,
        as_of_ms=now_ms(),
        records=36_000,
        bytes=36_000 * 731,
        event_times={"header": 36_000},
        arrival_ages=arrival,
    )


class Keeping:
    """A gauge of so many partitions that goes on from one state, and its member of the group."""

    def __init__(
        self, connection: Connection, topic: str, state: PartitionState, size: int
    ) -> None:
        self.topic, self.size = topic, size
        policy = StreamPolicy(topic, topic, (topic,), (), (), 60_000, 100, {})
        self.gauge = StreamGauge(policy, state.life, now_ms(), kept=True)
        states = {(topic, number): state for number in range(size)}
        self.gauge.restore(Goes(state.life, state.life_start_ms, states, {}), now_ms())
        self.positions = dict.fromkeys(range(size), state.position)
        self.wire = Wire(connection)
        self.slots = Slots(self.wire)
        log = structlog.get_logger()
        context = StreamContext(
            gauge=self.gauge,
            cluster=Cluster(connection),
            isolation_level="read_committed",
            sight=Sight(self.gauge, log, now_ms, lambda: None),
            log=log,
            now_ms=now_ms,
        )
        self.membership = Membership(connection, f"streamgauge.{topic}", (topic,))
        self.writer = StateWriter(context, self.membership.group, self.slots, "f" * 16)

    async def join(self) -> Identity:
        """Become the one that may commit."""
        await self.membership.join()
        return await self.membership.assigned()

    async def cycle(self, identity: Identity) -> int:
        """Every partition moves on, and is stored; gives the bytes."""
        for number in self.positions:
            self.positions[number] += 10
            self.gauge.passed(self.topic, number, self.positions[number])
        return await self.writer.store(identity, self.gauge.capture(before_ms=0), ())

    async def close(self) -> None:
        """Leave the group."""
        await self.membership.leave()
        await self.wire.close()


async def commits(connection: Connection, topic: str, shape: str, state: PartitionState) -> None:
    """Print what it costs to keep 64 partitions of this shape."""
    keeping = Keeping(connection, topic, state, AT_WORK)
    identity = await keeping.join()
    for _ in range(WARM_CYCLES):
        size = await keeping.cycle(identity)
    costs = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CYCLES):
            size = await keeping.cycle(identity)
        costs.append((time.process_time() - began) / CYCLES)
    await keeping.close()
    pause_seconds = min(MOST_SECONDS, LEAST_SECONDS + size / BYTES_PER_SECOND)
    least, median, most = min(costs), float(np.median(costs)), max(costs)
    sys.stdout.write(
        f"{shape:22}{size / AT_WORK:10.0f}{size / pause_seconds / 1000:9.1f}{pause_seconds:8.1f}"
        f"{1000 * least:9.1f}{1000 * median:8.1f}{1000 * most:8.1f}{median / pause_seconds:9.2%}\n"
    )


async def read_back(connection: Connection, topic: str, shape: str, state: PartitionState) -> None:
    """Print what it costs to read 1,000 partitions of this shape, and to add them up."""
    keeping = Keeping(connection, topic, state, READ_BACK)
    identity = await keeping.join()
    size = await keeping.cycle(identity)
    places = [(topic, number) for number in range(READ_BACK)]
    began, cpu = time.perf_counter(), time.process_time()
    slots = await keeping.slots.read(identity, places)
    fetched = time.perf_counter() - began
    states = [decode(slot.text, slot.offset) for slot in slots.values()]
    total, cpu = time.perf_counter() - began, time.process_time() - cpu
    if len(states) != READ_BACK:
        raise RuntimeError(f"{len(states)} states of {READ_BACK}")
    began = time.perf_counter()
    keeping.gauge.tick(now_ms())
    tick = time.perf_counter() - began
    await keeping.close()
    sys.stdout.write(
        f"{shape:22}{size / 1e6:10.2f}{fetched:10.2f}{total:9.2f}{cpu:9.2f}{1000 * tick:11.1f}\n"
    )


async def main() -> None:
    """Both tables."""
    week = WEEK_RECORDS
    shapes = {"young": young(), "busy week": busy(histograms(lognormal, week), week)}
    with launch_java_broker() as broker:
        connection = Connection(bootstrap_servers=(broker.bootstrap_servers,))
        sys.stdout.write(
            f"{f'{AT_WORK} partitions':22}{'bytes each':>10}{'kB/s':>9}{'every s':>8}"
            f"{'CPU ms':>9}{'median':>8}{'most':>8}{'of a core':>9}\n"
        )
        for number, (shape, state) in enumerate(shapes.items()):
            broker.create_topic(f"at-work-{number}", AT_WORK, {})
            await commits(connection, f"at-work-{number}", shape, state)
        sys.stdout.write(
            f"\n{f'{READ_BACK:,} read back':22}{'text MB':>10}{'fetch s':>10}{'in all s':>9}"
            f"{'CPU s':>9}{'a tick ms':>11}\n"
        )
        for number, (shape, state) in enumerate(shapes.items()):
            broker.create_topic(f"read-{number}", READ_BACK, {})
            await read_back(connection, f"read-{number}", shape, state)


if __name__ == "__main__":
    asyncio.run(main())
