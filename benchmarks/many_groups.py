"""What one poll of 300 groups on 20 partitions takes, all of them behind, on a real Apache Kafka.

Run: `python benchmarks/many_groups.py [groups] [partitions]`. It takes Java. Every group stands at
another offset of each partition, and moves on before each poll. "Poll" is all of it: committed
offsets, ends of the log, what is not known of first records, and what follows for every group.
"Tick" is the snapshot with all checks after it. Milliseconds of the clock and of the processor, of
this process; the broker and others share the machine. Each row with its lag and its time lag is
counted in every poll.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median

import structlog
import uvloop
from aiokafka.protocol.commit import OffsetCommitRequest
from confluent_kafka import Producer

from streamgauge import log
from streamgauge.app.context import StreamContext
from streamgauge.app.offsets import OffsetsPoll
from streamgauge.app.refill import Refill
from streamgauge.app.retention import RetentionWatch
from streamgauge.app.sight import Sight
from streamgauge.app.topic import Follower, TopicWatch
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.core.gauge import StreamGauge, StreamPolicy
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.coordinator import find_coordinator
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.wire import Wire
from streamgauge_demo.parts.broker_java import launch_java_broker

TOPIC = "orders"
RECORDS = 2_000
"""Of each partition."""
POLLS = 30
STEP = 20
"""Records that each group passes on each partition between two polls."""


def write(line: str) -> None:
    """One line for whoever has run this."""
    sys.stdout.write(f"{line}\n")


def now_ms() -> int:
    """The clock of this machine."""
    return time.time_ns() // 1_000_000


def produce(bootstrap_servers: str, partitions: int) -> None:
    """A backlog on every partition."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20})
    for number in range(partitions):
        for at in range(RECORDS):
            producer.produce(TOPIC, b"x" * 100, partition=number, timestamp=now_ms() - RECORDS + at)
        producer.flush()


class Groups:
    """Groups that commit without members, each on all partitions."""

    def __init__(self, wire: Wire, names: list[str], partitions: int) -> None:
        self._wire = wire
        self._partitions = partitions
        self.names = names
        self._node = 0

    async def find_coordinator(self) -> None:
        """There is one broker; it first has to make the topic for commits."""
        found = await find_coordinator(self._wire, "any", "DESCRIBE")
        while not isinstance(found, int):
            await asyncio.sleep(0.5)
            found = await find_coordinator(self._wire, "any", "DESCRIBE")
        self._node = found

    async def commit(self, turn: int) -> None:
        """Each group passes some records more."""
        await asyncio.gather(*(self._commit(i, name, turn) for i, name in enumerate(self.names)))

    async def _commit(self, at: int, group: str, turn: int) -> None:
        offsets = [
            (number, (37 * at + 11 * number) % 1_000 + turn * STEP, "")
            for number in range(self._partitions)
        ]
        request = OffsetCommitRequest(group, -1, "", -1, [(TOPIC, offsets)])
        await self._wire.send(self._node, request)


async def measure(bootstrap_servers: str, groups: int, partitions: int) -> None:
    """Poll again and again, and print what it took."""
    connection = Connection(bootstrap_servers=(bootstrap_servers,))
    wire, cluster = Wire(connection), Cluster(connection)
    names = [f"group-{number:03}" for number in range(groups)]
    committing = Groups(wire, names, partitions)
    await committing.find_coordinator()
    await committing.commit(0)
    policy = StreamPolicy("orders", TOPIC, ("orders",), ("group-*",), (), 60_000, 100, {})
    gauge, logger = StreamGauge(policy, "1" * 16, now_ms()), structlog.get_logger()
    gauge.watch(names)
    sight = Sight(gauge, logger, now_ms, lambda: None)
    context = StreamContext(gauge, cluster, "read_committed", sight, logger, now_ms)
    reader, settings = RecordReader([RecordRule()]), TailSettings(topic=TOPIC)
    refill = Refill(context, reader, settings)
    follower = Follower(lambda *_: None, lambda _: None, lambda *_: None, refill.run)
    tailing = asyncio.create_task(
        TopicWatch(context, reader, settings, "latest", follower).run(), name="tail"
    )
    await RetentionWatch(context).ask()
    poll = OffsetsPoll(context, 1_000, reader, refill, lambda: None)
    while not refill.is_done:  # noqa: ASYNC110 - no such event
        await asyncio.sleep(0.1)
    rows, wall, cpu, tick = [], [], [], []
    for turn in range(1, POLLS + 1):
        await committing.commit(turn)
        began, cpu_began = time.perf_counter(), time.process_time()
        await poll.poll()
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - cpu_began))
        cpu_began = time.process_time()
        snapshot = gauge.tick(now_ms()).snapshot
        tick.append(1000 * (time.process_time() - cpu_began))
        rows.append(
            sum(
                part.lag is not None and part.time_lag_seconds is not None
                for view in snapshot.groups.values()
                for part in view.partitions.values()
            )
        )
    tailing.cancel()
    await asyncio.gather(tailing, return_exceptions=True)
    await cluster.close()
    await wire.close()
    exact = sum(
        part.lag_bound == part.time_lag_bound == "exact"
        for view in snapshot.groups.values()
        for part in view.partitions.values()
    )
    write(f"{groups} groups x {partitions} partitions, {POLLS} polls (median, greatest)")
    for name, values in (("poll, clock", wall), ("poll, cpu", cpu), ("tick, cpu", tick)):
        write(f"  {name:12} {median(values):6.0f} {max(values):6.0f} ms")
    write(f"  rows with lag and time lag: at least {min(rows)}; exact in the last poll: {exact}")


def main(groups: int = 300, partitions: int = 20) -> None:
    """A broker, a backlog, and the polls."""
    log.configure(level="error", line_format="console")
    with launch_java_broker() as broker:
        broker.create_topic(TOPIC, partitions, {})
        produce(broker.bootstrap_servers, partitions)
        uvloop.run(measure(broker.bootstrap_servers, groups, partitions))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
