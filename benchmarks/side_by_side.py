"""Two gauges under one load, one in memory and one kept in Kafka."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpu import Cpu
from fed import FedGauge, Feed, stream_policy
from kept import KeptStream

from streamgauge.app.context import new_life
from streamgauge.core.keeping import goes_on
from streamgauge.core.state.codec import encode
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.slots import Slot
from streamgauge.kafka.state_group import StateGroup
from streamgauge.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kept import Readings

    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.kafka.connection import Connection

FEED_SECONDS = 0.5
STORM_SECONDS = 0.1
"""Between two dead letters of a partition, where these are fed."""
TICK_SECONDS = 1.0
FIRST_CYCLES = 2
"""At the beginning of a load, which are not metered."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the partitions have behind them, what comes, and how many cycles are metered."""

    name: str
    cycles: int
    """Under load."""
    cycles_at_rest: int = 0
    partitions: int = 64
    state: PartitionState | None = None
    """Of each partition; None where nothing was counted yet."""
    groups: int = 0
    letters: bool = False
    """Whether the partitions are those of the dead letter topic; the stream's has one then."""


class SideBySide:
    """One shape: both gauges, what feeds them, and what keeps one of them."""

    def __init__(
        self,
        connection: Connection,
        topic: str,
        shape: Shape,
        log_bytes: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._shape = shape
        self._log_bytes = log_bytes
        self._topic = topic
        self._group = f"streamgauge.{topic}"
        groups = [f"group-{number}" for number in range(shape.groups)]
        begun = 0 if shape.state is None else shape.state.position
        many = dict.fromkeys(range(shape.partitions), begun)
        self.positions: Mapping[str, Mapping[int, int]] = {topic: many}
        """By topic and partition: what has to exist before `run`."""
        if shape.letters:
            self.positions = {topic: {0: 0}, f"{topic}.dlq": many}
        letters = [each for each in self.positions if each != topic]
        policy = stream_policy(topic, groups, letters)
        self._feed = Feed(letters[0] if letters else topic, groups, many)
        self._pause_seconds = STORM_SECONDS if letters else FEED_SECONDS
        self._making = Cpu()
        self._memory = FedGauge(policy, new_life(), wall_clock_ms(), kept=False)
        self._stream = KeptStream(connection, policy, self._group, self._readings)
        self._at_rest = False

    async def run(self) -> dict[str, Readings]:
        """By how much each meter grew over some cycles, under load and at rest."""
        await self._begin()
        grown = {}
        async with self._stream.running(self.positions):
            feeding = asyncio.create_task(self._keep_feeding())
            try:
                grown["load"] = await self._metered(self._shape.cycles, feeding)
                if self._shape.cycles_at_rest:
                    self._at_rest = True
                    grown["rest"] = await self._metered(self._shape.cycles_at_rest, feeding)
            finally:
                feeding.cancel()
        return grown

    async def _begin(self) -> None:
        """Both gauges have the same behind them."""
        state = self._shape.state
        if state is None:
            for topic, positions in self.positions.items():
                self._memory.assigned(topic, positions)
            return
        places = [(topic, number) for topic, rows in self.positions.items() for number in rows]
        goes = goes_on(dict.fromkeys(places, state))
        if goes is None:
            raise ValueError("a state that was forgotten is none to go on from")
        self._memory.restore(goes, wall_clock_ms())
        wire, text = Wire(self._connection), encode(state).text
        slots = [Slot(*place, state.position, text) for place in places]
        await StateGroup(wire, self._group).commit(slots)
        await wire.close()

    async def _keep_feeding(self) -> None:
        """Which gauge comes first changes, so that both have as warm a processor."""
        clock = asyncio.get_running_loop().time
        due_seconds = tick_seconds = clock()
        gauges: list[FedGauge] = [self._memory, self._stream.gauge]
        while True:
            with self._making:
                moment = self._feed.moment(wall_clock_ms(), at_rest=self._at_rest)
            tick = clock() >= tick_seconds
            for gauge in gauges:
                gauge.feed(moment, tick=tick)
            if tick:
                tick_seconds += TICK_SECONDS
                gauges.reverse()
            if self._shape.letters and not self._at_rest:
                self._stream.keeper.wake(lambda: None)
            due_seconds += self._pause_seconds
            await asyncio.sleep(due_seconds - clock())

    async def _metered(self, cycles: int, feeding: asyncio.Task[None]) -> Readings:
        seen = self._stream.cycles
        first = len(seen) + FIRST_CYCLES
        while len(seen) <= first + cycles:
            await asyncio.wait({feeding}, timeout=FEED_SECONDS)
            if feeding.done():
                feeding.result()
        before, after = seen[first], seen[first + cycles]
        return {name: after[name] - before[name] for name in after} | {"cycles": cycles}

    def _readings(self) -> Readings:
        return {
            "folding_memory": self._memory.folding.nanoseconds,
            "making": self._making.nanoseconds,
            "log_bytes": self._log_bytes(),
        }
