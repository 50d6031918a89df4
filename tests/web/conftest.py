"""A stream with everything in it, and a web server that really listens."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from streamgauge.core.dead_letters.dead_letter import Address, Kind
from streamgauge.core.snapshot import (
    CauseView,
    DeadLetterTopicView,
    GroupPartitionView,
    GroupView,
    Keeping,
    LedgerView,
    OriginsView,
    PartitionView,
    SightingsView,
    Snapshot,
    Verdict,
    Window,
)
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.model import Blind, GroupStatus, LagBound, Level, SinkHealth
from streamgauge.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW_MS = 1_769_862_900_000
ORDERS_KEY = ("kafka", "orders_placed")
DLQ_KEY = ("kafka", "orders_placed_dlq")
CAUSE = "c0ffee0123456789"


def _totals() -> Totals:
    totals = Totals(
        records=6,
        bytes=1_200,
        unaged=1,
        negative=1,
        traced=4,
        sampled=2,
        event_times={"header": 4, "none": 2},
        unreadable_event_times={"header": 1},
        rejected_contexts={"all zero": 1},
        dead_letters=3,
        retrying=1,
        causes={CAUSE: 2},
        other_causes=1,
        undecodable=0,
        lost=7,
        groups={"fulfillment": GroupTotals(committed=5), "billing": GroupTotals()},
    )
    totals.arrival_ages.fold(np.array([0, 1_000, 1_000, 2_000, 400_000_000], dtype=np.int64))
    totals.fold_deaths([60_000, 90_000], [5_000])
    totals.groups["fulfillment"].aged.fold(np.array([5_000], dtype=np.int64))
    return totals


@pytest.fixture
def snapshot() -> Snapshot:
    """A stream of which every part is there at least once, known or unknown."""
    group_partition = GroupPartitionView(
        committed_offset=90,
        end_offset=100,
        lag=10,
        lag_bound=LagBound.EXACT,
        time_lag_seconds=42.5,
        time_lag_bound=LagBound.LOWER,
    )
    unknown_partition = GroupPartitionView(
        committed_offset=None,
        end_offset=None,
        lag=None,
        lag_bound=LagBound.UNKNOWN,
        time_lag_seconds=None,
        time_lag_bound=LagBound.UNKNOWN,
    )
    letters = Totals(dead_letters=3, retrying=1, causes={CAUSE: 2}, other_causes=1)
    letters.fold_deaths([60_000, 90_000], [5_000])
    verdict = Verdict(
        check="lag__fulfillment",
        asset_key=ORDERS_KEY,
        level=Level.PASS,
        reason="10 records behind",
        value=10.0,
        unit="records",
        limit=10_000.0,
        since_ms=NOW_MS - 60_000,
    )
    return Snapshot(
        stream="orders",
        topic="orders.placed",
        asset_key=ORDERS_KEY,
        life="5f0c1a",
        life_start_ms=NOW_MS - 3_600_000,
        as_of_ms=NOW_MS - 500,
        totals=_totals(),
        partitions=(
            PartitionView("orders.placed", 0, 5, 100, 100, NOW_MS - 400, _totals()),
            PartitionView("orders.placed", 1, 0, 0, None, None, Totals()),
        ),
        dead_letter_partitions=(
            PartitionView("orders.placed.dlq", 0, 0, 3, 3, NOW_MS - 300, Totals(dead_letters=3)),
        ),
        dead_letters=(
            DeadLetterTopicView(
                "orders.placed.dlq",
                DLQ_KEY,
                letters,
                2,
                NOW_MS - 9_000,
                retrying_recent=1,
                causes=(
                    CauseView(
                        CAUSE,
                        "billing",
                        "InvalidAmountException",
                        "amount <n> is negative",
                        recent=2,
                        total=2,
                        kind=Kind.POISON,
                        reason="poison: orders.placed-2@4711, third time",
                        identities=1,
                        times=2,
                        first_ms=NOW_MS - 20_000,
                        last_ms=NOW_MS - 9_000,
                        origin=Address("orders.placed", 2, 4711),
                        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
                        is_new=True,
                    ),
                    CauseView("e" * 16, None, "unclassified", None, recent=0),
                ),
                other_recent=4,
                new_causes=1,
                origins=OriginsView(1, 2, 3, 4, 5, 6),
            ),
        ),
        groups=MappingProxyType(
            {
                "fulfillment": GroupView(
                    status=GroupStatus.LAGGING,
                    lag=10,
                    lag_bound=LagBound.EXACT,
                    time_lag_seconds=42.5,
                    time_lag_bound=LagBound.LOWER,
                    as_of_ms=NOW_MS - 700,
                    partitions={0: group_partition, 1: unknown_partition},
                ),
            }
        ),
        watched_groups=("fulfillment", "billing-*"),
        window_ms=60_000,
        last_window=Window(NOW_MS - 120_000, NOW_MS - 60_000, Totals(records=2), 1.0),
        listening_since_ms=0,
        last_record_ms=NOW_MS - 800,
        completeness=0.5,
        blind=(Blind("partition 1", NOW_MS - 40_000, "no fetch was answered"),),
        verdicts=(
            verdict,
            replace(verdict, check="fresh", level=Level.UNKNOWN, value=None, limit=None),
        ),
        resolution_ms=500,
        keeping=Keeping(group="streamgauge.orders"),
        ledger=LedgerView(exact_records=7, coarse_records=512, dropped_records=3, error_ms=9),
        sightings=SightingsView(size=1024, asked=12, answered=11, evicted=5),
    )


@pytest.fixture
def sinks() -> list[SinkHealth]:
    """One sink that works and one that never did."""
    return [
        SinkHealth("otlp", 12, 0, 0, NOW_MS - 1_000, None, None),
        SinkHealth("dagster", 0, 3, 1, None, NOW_MS - 2_000, "connection refused"),
    ]


class Clock:
    """A wall clock that the test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        """What it shows, milliseconds since the epoch."""
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    """Shows NOW_MS until it is moved."""
    return Clock()


@pytest.fixture
async def server(clock: Clock, sinks: list[SinkHealth]) -> AsyncIterator[WebServer]:
    """Listens on a free port; the streams `orders` and `carts` are not ready yet."""
    server = WebServer(
        "127.0.0.1", 0, streams=["orders", "carts"], sinks=lambda: sinks, now_ms=clock
    )
    await server.start()
    yield server
    await server.stop(2)


@pytest.fixture
async def client(server: WebServer) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to it over TCP."""
    async with httpx.AsyncClient(base_url=f"http://{server.address}", timeout=5) as client:
        yield client
