"""What keeping state in Kafka costs at 64 partitions, and what 1,000 cost to read back and add up.

Run: `python benchmarks/commits.py [rounds]`. Each round lasts five minutes and starts an Apache
Kafka of its own, which takes Java. What is not said to be time of the clock is time of the
processor, because others load the machine too. Each figure is the median of all rounds, with the
least and the greatest where it matters most.

First table: two gauges are fed the same load side by side, one in memory, one with its state kept
by the real keeper at its real cadence. A cycle is capture, make (states and their text), send and
settle; its milliseconds are spent in the keeper's own task, and nothing else runs meanwhile. Shares
are of one core. "Fold" is what each gauge spends on the load and on a tick a second; reading Kafka,
which takes more than all of this, is not in it. Keeping state takes "keeper", which is its task,
and "client", which is the rest of the process: aiokafka, which reads answers and sends heartbeats.
"Ratio" is all that the kept gauge takes to what the other one takes. "Log" is by how much Kafka's
offsets topic grew. In a storm dead letters come ten times a second on each partition of their
topic.

Second table: the slots of 1,000 partitions are committed, read back in one request, decoded and
gone on from; then the gauge ticks, which adds them all up ("sum") and is done every second.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import uvloop
from reading_back import costs
from side_by_side import Shape, SideBySide
from state import WEEK_RECORDS, busy, histograms, lognormal, planted
from tables import print_machine, print_read_back, print_side_by_side

from streamgauge import log
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.partition_state import GroupState
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.state_group import StateGroup
from streamgauge.kafka.wire import Wire
from streamgauge_demo.parts.broker_java import launch_java_broker

if TYPE_CHECKING:
    from kept import Readings
    from tables import Row

    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge_demo.parts.broker_java import JavaBroker

ROUNDS = 3
MANY_PARTITIONS = 1_000
HOUR_RECORDS = 3_600
ALL_GROUPS = 21


def hour() -> PartitionState:
    """The state of a partition after an hour of one record a second, with one group."""
    ages, *_ = histograms(lognormal, HOUR_RECORDS)
    return replace(
        planted(),
        position=12_345 + HOUR_RECORDS,
        records=HOUR_RECORDS,
        bytes=HOUR_RECORDS * 731,
        event_times={"header": HOUR_RECORDS},
        arrival_ages=ages,
        groups={group_key("group-0"): GroupState(12_345 + HOUR_RECORDS, HOUR_RECORDS)},
    )


def week() -> PartitionState:
    """The state of a partition with everything that it can hold, after a busy week."""
    full = busy(histograms(lognormal, WEEK_RECORDS), WEEK_RECORDS)
    return replace(full, as_of_ms=None, last_record_ms=None)


SHAPES = (
    Shape("young", cycles=25, cycles_at_rest=2, groups=1),
    Shape("busy week", cycles=5, cycles_at_rest=2, state=week(), groups=ALL_GROUPS),
    Shape("storm of dead letters", cycles=50, letters=True),
    Shape("young, 1,000 partitions", cycles=5, partitions=MANY_PARTITIONS, groups=1),
    Shape(
        "busy, 1,000 partitions",
        cycles=2,
        partitions=MANY_PARTITIONS,
        state=week(),
        groups=ALL_GROUPS,
    ),
)
MANY = {"an hour old": (hour(), 1), "busy week": (week(), ALL_GROUPS)}


class Bench:
    """What was measured so far, by row of the tables."""

    def __init__(self) -> None:
        self.side_by_side: dict[str, list[Row]] = {}
        self.read_back: dict[str, list[Row]] = {}

    async def round(self, broker: JavaBroker) -> None:
        """Measure everything once more, with a broker that nobody has used."""
        connection = Connection(bootstrap_servers=(broker.bootstrap_servers,))
        wire = Wire(connection)
        await StateGroup(wire, "nobody").members()  # so that there is an offsets topic
        await wire.close()
        log_bytes = partial(offsets_topic_bytes, broker)
        for number, shape in enumerate(SHAPES):
            pair = SideBySide(connection, f"orders-{number}", shape, log_bytes)
            for topic, positions in pair.positions.items():
                broker.create_topic(topic, len(positions))
            for how, grown in (await pair.run()).items():
                rows = self.side_by_side.setdefault(f"{shape.name}, {how}", [])
                rows.append(shares(grown))
        for number, (name, (state, groups)) in enumerate(MANY.items()):
            topic = f"many-{number}"
            broker.create_topic(topic, MANY_PARTITIONS)
            found = await costs(connection, topic, MANY_PARTITIONS, state, groups)
            self.read_back.setdefault(name, []).append(found)


def offsets_topic_bytes(broker: JavaBroker) -> int:
    """The size of Kafka's offsets topic."""
    data = broker._folder / "data"  # noqa: SLF001 - nobody else looks into it
    return sum(file.stat().st_size for file in data.glob("__consumer_offsets-*/*.log"))


def shares(grown: Readings) -> Row:
    """A row of the first table, from what the meters grew by: ms a cycle, % of a core, bytes/s."""
    seconds = grown["clock"] / 1e9
    inside = {name: grown[name] / 1e6 / grown["cycles"] for name in ("capture", "send", "settle")}
    percent = {
        name: grown[name] / 1e7 / seconds
        for name in ("process", "making", "folding_memory", "folding_kept", "keeper")
    }
    fed = percent["making"] + percent["folding_memory"] + percent["folding_kept"]
    keeping = percent["process"] - fed
    return {
        "slot_bytes": grown["text_bytes"] / grown["slots"],
        "every": seconds / grown["cycles"],
        **inside,
        "make": grown["keeper"] / 1e6 / grown["cycles"] - sum(inside.values()),
        **percent,
        "client": keeping - percent["keeper"],
        "keeping": keeping,
        "ratio": (percent["folding_kept"] + keeping) / percent["folding_memory"],
        "text": grown["text_bytes"] / seconds,
        "log": grown["log_bytes"] / seconds,
    }


def main() -> None:
    """Measure, and print both tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    log.configure(level="warning", line_format="console")
    bench = Bench()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for _ in range(rounds):
            with launch_java_broker() as broker:
                runner.run(bench.round(broker))
    print_machine(rounds)
    print_side_by_side(bench.side_by_side)
    print_read_back(f"{MANY_PARTITIONS:,} partitions", bench.read_back)


if __name__ == "__main__":
    main()
