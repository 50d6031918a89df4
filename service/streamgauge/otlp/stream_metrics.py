"""The newest snapshot of each stream, handed from the event loop to the thread that exports."""

from __future__ import annotations

import threading
from itertools import chain
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.metrics.export import ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from streamgauge.otlp.by_cause import ByCause
from streamgauge.otlp.exemplars import ExemplarCandidates, choose
from streamgauge.otlp.points import to_metrics
from streamgauge.otlp.readings import readings
from streamgauge.otlp.series_limit import SeriesLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.core.traced import TracedRecord
    from streamgauge.otlp.exemplars import Buckets
    from streamgauge.otlp.outcome import Outcome

SCOPE_NAME: Final = "streamgauge"


class StreamMetrics:
    """What is to be exported of the streams.

    `publish` and `observe` only store, whatever thread calls them; `collect` and `delivered` belong
    to the thread that exports.
    """

    def __init__(
        self,
        resource: Resource,
        version: str,
        outcome: Outcome,
        *,
        series_max: int,
        exemplars_per_series: int,
    ) -> None:
        self._resource = resource
        self._scope = InstrumentationScope(SCOPE_NAME, version)
        self._outcome = outcome
        self._series_max = series_max
        self._exemplars_per_series = exemplars_per_series
        self._lock = threading.Lock()
        self._newest: dict[str, Snapshot] = {}
        self._candidates: dict[str, ExemplarCandidates] = {}
        self._limits: dict[str, SeriesLimit] = {}
        self._by_cause: dict[str, ByCause] = {}
        self._in_flight: list[Snapshot] = []
        self._told: dict[str, Snapshot] = {}

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the newest snapshot of the stream."""
        with self._lock:
            self._newest[snapshot.stream] = snapshot
            if snapshot.stream in self._candidates:
                self._candidates[snapshot.stream].publish()

    def observe(self, stream: str, records: Sequence[TracedRecord]) -> None:
        """Add candidates for exemplars, to be told with the next snapshot of the stream."""
        with self._lock:
            candidates = self._candidates.get(stream)
            if candidates is None:
                candidates = ExemplarCandidates(stream, self._series_max)
                self._candidates[stream] = candidates
            dropped = candidates.offer(records)
        self._outcome.drop("series_max", dropped)

    def is_candidate(self, stream: str, record: TracedRecord) -> bool:
        """Whether the record waits to be told as an exemplar."""
        with self._lock:
            return stream in self._candidates and record in self._candidates[stream]

    def collect(self) -> list[ResourceMetrics]:
        """Every stream that has something new, under a resource of its own.

        Totals belong to the stream, not to the process, so `service.instance.id` is the stream's
        name. A snapshot that was delivered is not told again, and one that is older than it (the
        clock went back) neither, because the time of a series never goes backward.
        """
        with self._lock:
            due = [snapshot for snapshot in self._newest.values() if self._is_due(snapshot)]
            taken = [
                self._candidates[snapshot.stream].take()
                if snapshot.stream in self._candidates
                else {}
                for snapshot in due
            ]
        self._in_flight = due
        return [
            self._resource_metrics(snapshot, buckets)
            for snapshot, buckets in zip(due, taken, strict=True)
        ]

    def delivered(self) -> None:
        """What was collected last has arrived."""
        for snapshot in self._in_flight:
            self._told[snapshot.stream] = snapshot

    def _is_due(self, snapshot: Snapshot) -> bool:
        told = self._told.get(snapshot.stream)
        if told is None or told.life != snapshot.life:
            return True
        return snapshot.as_of_ms > told.as_of_ms

    def _resource_metrics(self, snapshot: Snapshot, buckets: Buckets) -> ResourceMetrics:
        limit = self._limits.setdefault(snapshot.stream, SeriesLimit(self._series_max))
        by_cause = self._by_cause.setdefault(snapshot.stream, ByCause())
        told = chain(readings(snapshot), by_cause.readings(snapshot))
        found, left_out = limit.apply(snapshot.stream, snapshot.life, told)
        self._outcome.drop("series_max", left_out)
        exemplars = {
            reading.attributes: choose(buckets[reading.attributes], self._exemplars_per_series)
            for reading in found
            if reading.attributes in buckets
        }
        offered = sum(map(len, buckets.values()))
        chosen = sum(map(len, exemplars.values()))
        self._outcome.drop("exemplars_per_series", offered - chosen)
        metrics = to_metrics(
            found,
            start_ms=snapshot.life_start_ms,
            time_ms=snapshot.as_of_ms,
            exemplars=exemplars,
        )
        return ResourceMetrics(
            self._resource.merge(Resource({SERVICE_INSTANCE_ID: snapshot.stream})),
            [ScopeMetrics(self._scope, metrics, schema_url="")],
            schema_url="",
        )
