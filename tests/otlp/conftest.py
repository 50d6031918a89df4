"""Snapshots and sampled records to tell, built from raw ages through the core itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.snapshot import (
    DeadLetterTopicView,
    Forecast,
    GroupPartitionView,
    GroupView,
    Keeping,
    LedgerView,
    Pace,
    PartitionView,
    SightingsView,
    Snapshot,
    Verdict,
)
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.core.traced import TracedRecord
from streamgauge.model import Blind, Columns, GroupStatus, LagBound, Level
from streamgauge.otlp.sink import OtlpSettings, OtlpSink
from streamgauge_demo.parts.otlp_receiver import NO_FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFE_START_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Maker:
    """Builds the values that the sink is handed."""

    start_ms: int = LIFE_START_MS

    def totals(self, ages_ms: Sequence[int], *, topic: str = "orders.placed") -> Totals:
        """Totals of live records with these ages, each with a context, every other one sampled."""
        count = len(ages_ms)
        received_ms = self.start_ms + 1000
        context = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
        totals = Totals()
        totals.fold(
            Columns(
                topic=topic,
                partition=0,
                next_offset=count,
                received_ms=received_ms,
                live=True,
                offsets=np.arange(count, dtype=np.int64),
                append_ms=np.full(count, -1, dtype=np.int64),
                event_ms=received_ms - np.array(ages_ms, dtype=np.int64),
                event_time_source=np.zeros(count, dtype=np.int8),
                contexts=[context] * count,
                sampled=np.arange(count) % 2 == 0,
                tracestates={},
                byte_count=100 * count,
                rejected_contexts={"upper_case": 3},
                unreadable_event_times={"header": 2},
            )
        )
        return totals

    def partition(
        self,
        partition: int = 0,
        ages_ms: Sequence[int] = (),
        *,
        topic: str = "orders.placed",
        end_offset: int | None = 100,
    ) -> PartitionView:
        """A partition whose records have these ages."""
        return PartitionView(
            topic=topic,
            partition=partition,
            start_position=0,
            next_offset=len(ages_ms),
            end_offset=end_offset,
            as_of_ms=self.start_ms + 1000,
            totals=self.totals(ages_ms, topic=topic),
        )

    def snapshot(
        self,
        *partitions: PartitionView,
        stream: str = "orders",
        as_of_ms: int | None = None,
        **changes: object,
    ) -> Snapshot:
        """A snapshot of these partitions; everything else is empty or unknown."""
        snapshot = Snapshot(
            stream=stream,
            topic="orders.placed",
            asset_key=("kafka", "orders_placed"),
            life="life-1",
            life_start_ms=self.start_ms,
            as_of_ms=self.start_ms + 2000 if as_of_ms is None else as_of_ms,
            totals=sum((view.totals for view in partitions), Totals()),
            partitions=partitions,
            dead_letter_partitions=(),
            dead_letters=(),
            groups={},
            watched_groups=("billing",),
            window_ms=60_000,
            last_window=None,
            listening_since_ms=0,
            last_record_ms=None,
            completeness=None,
            blind=(),
            verdicts=(),
            resolution_ms=500,
            keeping=Keeping(group="streamgauge.orders"),
            ledger=LedgerView(7, 512, 3, error_ms=90),
        )
        return replace(snapshot, **changes)

    def full_snapshot(self) -> Snapshot:
        """A snapshot in which every metric has at least one value."""
        aged = GroupTotals(committed=7, unaged=3, reprocessed=1)
        aged.aged.fold(np.array([1500, 2500], dtype=np.int64))
        view = self.partition(0, [0, 5, 70_000])
        view.totals.groups["billing"] = aged
        dead = self.partition(0, topic="orders.placed.dlq", end_offset=4)
        letters = Totals(dead_letters=4, undecodable=1, retrying=2, causes={"a" * 16: 3})
        letters.other_causes = 1
        letters.fold_deaths([1_000, 9_000], [500])
        dead = replace(dead, totals=letters)
        at = self.group_partition()
        return self.snapshot(
            view,
            dead_letter_partitions=(dead,),
            dead_letters=(
                DeadLetterTopicView(
                    "orders.placed.dlq",
                    ("kafka", "dlq"),
                    letters,
                    4,
                    None,
                    cause_names={
                        "a" * 16: CauseName("a" * 16, "billing", "TimeoutException", "late")
                    },
                ),
            ),
            groups={
                "billing": self.group(
                    {0: at},
                    pace=Pace(60.0, 30.0, 20.0, 4.0, 1.0, 5.0),
                    forecast=Forecast(2.0, 0.5, 9.0, 30.0, "lag", 100.0, 900.0),
                )
            },
            completeness=0.75,
            keeping=Keeping(
                "streamgauge.orders",
                bytes_per_second=12.5,
                largest_units=2100,
                left_out={"groups": 4},
            ),
            blind=(Blind("offsets of billing", self.start_ms, "no answer"),),
            verdicts=(self.verdict(Level.WARN),),
            sightings=SightingsView(size=1024, asked=12, answered=11, evicted=5),
        )

    def group_partition(self, **changes: object) -> GroupPartitionView:
        """A group ten records and 2.5 s behind, exactly."""
        at = GroupPartitionView(
            committed_offset=90,
            end_offset=100,
            lag=10,
            lag_bound=LagBound.EXACT,
            time_lag_seconds=2.5,
            time_lag_bound=LagBound.EXACT,
        )
        return replace(at, **changes)

    def group(self, partitions: dict[int, GroupPartitionView], **changes: object) -> GroupView:
        """A lagging group on these partitions."""
        view = GroupView(
            status=GroupStatus.LAGGING,
            lag=10,
            lag_bound=LagBound.EXACT,
            time_lag_seconds=2.5,
            time_lag_bound=LagBound.EXACT,
            as_of_ms=self.start_ms,
            partitions=partitions,
        )
        return replace(view, **changes)

    def verdict(self, level: Level) -> Verdict:
        """What the check `lag__billing` says."""
        return Verdict(
            check="lag__billing",
            asset_key=("kafka", "orders_placed"),
            level=level,
            reason="billing is 10 records behind",
            value=10.0,
            unit="records",
            limit=5.0,
            since_ms=self.start_ms,
        )

    def record(
        self,
        offset: int = 0,
        age_ms: int | None = 1500,
        *,
        partition: int = 0,
        received_ms: int | None = None,
        **changes: object,
    ) -> TracedRecord:
        """A sampled record; its trace id ends in its offset."""
        received_ms = self.start_ms + 1000 if received_ms is None else received_ms
        record = TracedRecord(
            topic="orders.placed",
            partition=partition,
            offset=offset,
            trace_id=f"4bf92f3577b34da6a3ce9290{offset:08x}",
            span_id="00f067aa0ba902b7",
            flags=3,
            tracestate=None,
            append_ms=received_ms - 200,
            received_ms=received_ms,
            event_ms=None if age_ms is None else received_ms - age_ms,
            age_ms=age_ms,
        )
        return replace(record, **changes)


@pytest.fixture
def make() -> Maker:
    """The builder."""
    return Maker()


@pytest.fixture(params=["grpc", "http/protobuf"])
def protocol(request) -> str:
    """Both ways in which OTLP travels."""
    return request.param


@pytest.fixture
async def start_sink(monkeypatch, otlp_receiver, protocol):
    """Start a sink that exports to the receiver twenty times a second: `start_sink(series_max=2)`.

    It is shut down at the end, and its threads with it.
    """
    endpoint = otlp_receiver.grpc_endpoint if protocol == "grpc" else otlp_receiver.http_endpoint
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    started = []

    def start(**settings):
        sink = OtlpSink(OtlpSettings("1.2.3", export_interval_seconds=0.05, **settings))
        sink.start()
        started.append(sink)
        return sink

    yield start
    otlp_receiver.faults = NO_FAULTS
    for sink in started:
        await sink.shutdown(5)


@pytest.fixture
def eventually():
    """Wait for a condition, given as a callable, to hold; returns what it gave."""

    async def wait(condition, seconds=15.0):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not become true in time"
            await asyncio.sleep(0.01)
        return found

    return wait
