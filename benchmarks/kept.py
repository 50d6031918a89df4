"""A gauge whose state the real keeper keeps in a real Kafka, metered cycle by cycle."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import asyncio
import contextlib
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any

import structlog
from cpu import Cpu, Steps
from fed import FedGauge

from streamgauge.app.context import StreamContext, new_life
from streamgauge.app.keeper import Keeper
from streamgauge.app.sight import Sight
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.membership import Membership
from streamgauge.kafka.slots import Slots
from streamgauge.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.topic import Captured
    from streamgauge.kafka.connection import Connection
    from streamgauge.kafka.membership import Identity
    from streamgauge.kafka.slots import Answer, Slot

    Readings = dict[str, int]

LEAVING_SECONDS = 10.0


class KeptGauge(FedGauge):
    """A gauge that tells when a cycle of its keeper has begun."""

    def __init__(self, policy: StreamPolicy, life: str, now_ms: int) -> None:
        super().__init__(policy, life, now_ms, kept=True)
        self.capturing, self.settling = Cpu(), Cpu()
        self.cycle_begun: Callable[[], None] = lambda: None

    def capture(self, *, before_ms: int, urgent: bool = False) -> list[Captured]:
        """As the gauge does; where it finds something a cycle has begun."""
        with self.capturing:
            captured = super().capture(before_ms=before_ms, urgent=urgent)
        if captured:
            self.cycle_begun()
        return captured

    def settle(self, captured: Captured, state: PartitionState) -> None:
        """As the gauge does."""
        with self.settling:
            super().settle(captured, state)


class MeteredSlots(Slots):
    """Slots that know what their commits cost."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.sending = Cpu()
        self.count = self.text_bytes = 0

    async def commit(
        self, identity: Identity, slots: Iterable[Slot]
    ) -> dict[tuple[str, int], Answer]:
        """As slots do."""
        all_slots = list(slots)
        answers = await Steps(self.sending, super().commit(identity, all_slots))
        self.count += len(all_slots)
        self.text_bytes += sum(len(slot.text.encode()) for slot in all_slots)
        return answers


class KeptStream:
    """One gauge with its keeper, and all that is metered of them.

    Attributes:
        cycles: what the meters showed whenever a cycle had begun: nanoseconds, bytes and counts.
    """

    def __init__(
        self,
        connection: Connection,
        policy: StreamPolicy,
        group: str,
        beside: Callable[[], Readings],
    ) -> None:
        self.gauge = KeptGauge(policy, new_life(), wall_clock_ms())
        self.gauge.cycle_begun = lambda: self.cycles.append(self._readings())
        self.cycles: list[Readings] = []
        self._beside = beside
        self._wire = Wire(connection)
        self._slots = MeteredSlots(self._wire)
        self._keeping = Cpu()
        logger = structlog.get_logger("streamgauge.app")
        context = StreamContext(
            gauge=self.gauge,
            cluster=Cluster(connection),
            isolation_level="read_committed",
            sight=Sight(self.gauge, logger, wall_clock_ms, lambda: None),
            log=logger,
            now_ms=wall_clock_ms,
        )
        topics = [policy.topic, *(each.topic for each in policy.dead_letters)]
        membership = Membership(connection, group, topics)
        self.keeper = Keeper(context, membership, self._slots, new_life(), _nothing_told)

    @contextlib.asynccontextmanager
    async def running(self, positions: Mapping[str, Mapping[int, int]]) -> AsyncIterator[None]:
        """Join, go on from what is stored or else begin at these positions, and keep."""
        keeping = asyncio.create_task(self._keep())
        try:
            await self.keeper.may_count()
            for topic, begun in positions.items():
                if not self.gauge.positions(topic):
                    await self.keeper.plant(topic, None, begun)
            yield
            if keeping.done():
                keeping.result()
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self.keeper.store_last(LEAVING_SECONDS)
            await self._wire.close()

    async def _keep(self) -> None:
        await Steps(self._keeping, self.keeper.run())

    def _readings(self) -> Readings:
        return {
            "clock": perf_counter_ns(),
            "process": process_time_ns(),
            "keeper": self._keeping.nanoseconds,
            "capture": self.gauge.capturing.nanoseconds,
            "send": self._slots.sending.nanoseconds,
            "settle": self.gauge.settling.nanoseconds,
            "folding_kept": self.gauge.folding.nanoseconds,
            "slots": self._slots.count,
            "text_bytes": self._slots.text_bytes,
            **self._beside(),
        }


async def _nothing_told() -> Mapping[tuple[str, int], Any]:
    return {}
