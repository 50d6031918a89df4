"""What it costs to store, read back and add up the states of many partitions."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any, TypeVar

from fed import FedGauge, Feed, stream_policy

from streamgauge.app.context import new_life
from streamgauge.core.keeping import goes_on
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.totals import Totals
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.membership import Membership
from streamgauge.kafka.slots import Fate, Slot, Slots
from streamgauge.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.kafka.connection import Connection

TICKS = 15
JOIN_SECONDS = 30.0

ResultT = TypeVar("ResultT")


class WatchedWire(Wire):
    """A wire that knows what went over it, with the heads of requests left out."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.exchanged: list[tuple[Any, Any]] = []

    async def send(self, node_id: int, request: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """As a wire does."""
        response = await super().send(node_id, request)
        self.exchanged.append((request, response))
        return response

    def taken(self) -> tuple[int, int, int]:
        """Requests since this was asked before, their bytes, and the bytes of their answers."""
        exchanged, self.exchanged = self.exchanged, []
        sent = received = 0
        for request, response in exchanged:
            version = response.API_VERSION
            sent += len(request.prepare({request.API_KEY: (version, version)}).encode())
            received += len(response.encode())
        return len(exchanged), sent, received


async def costs(
    connection: Connection, topic: str, partitions: int, state: PartitionState, groups: int
) -> dict[str, float]:
    """Milliseconds (of the clock and of the processor), bytes and counts.

    Raises:
        RuntimeError: if a slot was not stored or not read.
    """
    states = {(topic, number): replace(state, version=number + 1) for number in range(partitions)}
    slots = [Slot(*place, each.position, encode(each).text) for place, each in states.items()]
    wire = WatchedWire(connection)
    await wire.open()
    membership = Membership(connection, f"streamgauge.{topic}", [topic])
    await membership.join()
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            identity = await membership.assigned()
        real = Slots(wire)
        stored = await _metered(real.commit(identity, slots))
        requests, sent, _ = wire.taken()
        read = await _metered(real.read(identity, states))
        _, _, received = wire.taken()
    finally:
        await membership.leave()
        await wire.close()
    if {each.fate for each in stored[0].values()} != {Fate.STORED}:
        raise RuntimeError("a slot was not stored")
    if not isinstance(read[0], dict) or len(read[0]) < partitions:
        raise RuntimeError("a slot was not read")
    text_bytes = sum(len(slot.text.encode()) for slot in slots)
    return {
        "slot_bytes": text_bytes / partitions,
        "commit_requests": requests,
        "commit_bytes": sent,
        "commit_ms": stored[1],
        "commit_cpu_ms": stored[2],
        "fetch_bytes": received,
        "fetch_ms": read[1],
        "fetch_cpu_ms": read[2],
        **_in_memory(topic, groups, read[0]),
    }


def _in_memory(topic: str, groups: int, slots: dict[tuple[str, int], Slot]) -> dict[str, float]:
    """What happens to slots after they were read."""
    decoded, decode_ms = _timed(
        lambda: {place: decode(slot.text, slot.offset) for place, slot in slots.items()}
    )
    goes = goes_on(decoded)
    if goes is None:
        raise RuntimeError("the states were forgotten")
    names = [f"group-{number}" for number in range(groups)]
    gauge = FedGauge(stream_policy(topic, names), new_life(), wall_clock_ms(), kept=True)
    _, restore_ms = _timed(lambda: gauge.restore(goes, wall_clock_ms()))
    feed = Feed(topic, names, gauge.positions(topic))
    ticks = []
    sums = []
    for _ in range(TICKS):
        gauge.feed(feed.moment(wall_clock_ms(), at_rest=True), tick=False)
        told, tick_ms = _timed(partial(gauge.tick, wall_clock_ms()))
        totals = [view.totals for view in told.snapshot.partitions]
        _, sum_ms = _timed(partial(Totals.sum, totals))
        ticks.append(tick_ms)
        sums.append(sum_ms)
    return {
        "decode_cpu_ms": decode_ms,
        "restore_cpu_ms": restore_ms,
        "tick_cpu_ms": median(ticks),
        "sum_cpu_ms": median(sums),
    }


async def _metered(work: Awaitable[ResultT]) -> tuple[ResultT, float, float]:
    """The result, and the milliseconds of clock and processor that it took."""
    clock, cpu = perf_counter_ns(), process_time_ns()
    result = await work
    return result, (perf_counter_ns() - clock) / 1e6, (process_time_ns() - cpu) / 1e6


def _timed(call: Callable[[], ResultT]) -> tuple[ResultT, float]:
    """The result, and the milliseconds of the processor that it took."""
    cpu = process_time_ns()
    result = call()
    return result, (process_time_ns() - cpu) / 1e6
