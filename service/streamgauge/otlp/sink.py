"""Tells streams to OTLP: metrics from snapshots, exemplars and spans from sampled records."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from streamgauge.otlp.bounded import run_bounded
from streamgauge.otlp.bridging import BridgingExporter, CountingSpanExporter
from streamgauge.otlp.environment import OtlpConfigurationError, read_environment
from streamgauge.otlp.exporters import metric_exporter, span_exporter
from streamgauge.otlp.outcome import LastLine, Outcome
from streamgauge.otlp.own_metrics import register_own_metrics
from streamgauge.otlp.resource import process_resource
from streamgauge.otlp.spans import (
    SAMPLER,
    SCHEMA_URL,
    TokenBucket,
    common_attributes,
    emit_span,
)
from streamgauge.otlp.stream_metrics import SCOPE_NAME, StreamMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.core.traced import TracedRecord
    from streamgauge.model import SinkHealth


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """What is set here rather than by the OTEL_* variables."""

    service_version: str
    series_max: int = 2000
    """Series of one metric of one stream that get a point of their own."""
    exemplars_per_series: int = 20
    spans_per_second: float = 10.0
    """For records of streams; as many again for dead letters."""
    export_interval_seconds: float | None = None
    """None: OTEL_METRIC_EXPORT_INTERVAL, which is 60 s unless set."""


class OtlpSink:
    """Hands snapshots and sampled records to the SDK, which exports them on threads of its own.

    Its methods are called on the event loop and only store; none of them waits for a collector.
    """

    def __init__(self, settings: OtlpSettings) -> None:
        """Read the environment.

        Raises:
            OtlpConfigurationError: if a variable asks for something that cannot work.
        """
        self._settings = settings
        self._environment = read_environment(os.environ)
        self._last_line = LastLine()
        self._resource = process_resource(settings.service_version, os.environ)
        self._metrics = Outcome("otlp_metrics", self._last_line)
        self._traces = Outcome("otlp_traces", self._last_line)
        self._streams = StreamMetrics(
            self._resource,
            settings.service_version,
            self._metrics,
            series_max=settings.series_max,
            exemplars_per_series=settings.exemplars_per_series,
        )
        self._budgets = {
            dead_letter: TokenBucket(settings.spans_per_second) for dead_letter in (False, True)
        }
        self._tracer: Tracer | None = None
        self._flushes: list[Callable[[], None]] = []
        self._exporters: list[MetricExporter | SpanExporter] = []

    @property
    def facts(self) -> tuple[str, ...]:
        """What an operator should be told once: variables that are not followed to the letter."""
        return self._environment.facts

    def start(self) -> None:
        """Start the exporting threads of the signals that are not switched off.

        Raises:
            OtlpConfigurationError: if the SDK refuses a variable.
        """
        metrics, traces = self._environment.metrics, self._environment.traces
        self._last_line.attach()
        try:
            if metrics:
                self._start_metrics(metric_exporter(metrics))
            if traces:
                self._start_traces(span_exporter(traces))
        except Exception as error:
            raise OtlpConfigurationError(f"an OTEL_* variable cannot be used: {error}") from error

    def publish(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot of a stream; the next export tells it."""
        if self._environment.metrics:
            self._streams.publish(snapshot)

    def observe(self, stream: str, exemplars: Sequence[TracedRecord]) -> None:
        """Take sampled records as candidates for exemplars of the arrival ages.

        Of each histogram bucket the last one stays. They are told with the next published
        snapshot, which must hold their ages.
        """
        if self._environment.metrics:
            self._streams.observe(stream, exemplars)

    def reserve_spans(self, wanted: int, *, now_ms: int, dead_letter: bool) -> int:
        """How many of `wanted` sampled records may become spans; the others count as dropped."""
        if self._tracer is None:
            return 0
        granted = self._budgets[dead_letter].take(wanted, now_ms)
        self._traces.drop("spans_per_second", wanted - granted)
        return granted

    def emit_spans(
        self,
        stream: str,
        records: Sequence[TracedRecord],
        *,
        group: str | None = None,
    ) -> None:
        """Make a span of each record, for which `reserve_spans` granted the room.

        Records that are exemplars as well must have been given to `observe` before.
        """
        if self._tracer is None:
            return
        common = common_attributes(stream, group=group)
        for record in records:
            exemplar = self._streams.is_candidate(stream, record)
            emit_span(self._tracer, record, common, exemplar=exemplar)

    def health(self) -> tuple[SinkHealth, ...]:
        """How exporting goes, for each signal that is not switched off.

        `delivered` and `failed` count exports; `dropped` counts points, exemplars and spans.
        """
        signals = (
            (self._environment.metrics, self._metrics),
            (self._environment.traces, self._traces),
        )
        return tuple(outcome.health() for settings, outcome in signals if settings)

    async def shutdown(self, deadline_seconds: float) -> bool:
        """Export what is left, but for no longer than the deadline; returns whether all went out.

        The SDK bounds its own shutdown by none or by 30 s, so it runs on threads that nobody waits
        for beyond the deadline. Closing the exporters then ends their wait for the next try.
        """
        failed_before = self._failed()
        finished = await run_bounded(self._flushes, deadline_seconds)
        if not finished:
            for exporter in self._exporters:
                threading.Thread(target=exporter.shutdown, daemon=True).start()
        self._last_line.detach()
        self._flushes, self._exporters, self._tracer = [], [], None
        return finished and self._failed() == failed_before

    def _failed(self) -> int:
        return sum(health.failed for health in self.health())

    def _start_metrics(self, inner: MetricExporter) -> None:
        exporter = BridgingExporter(inner, self._streams, self._metrics)
        seconds = self._settings.export_interval_seconds
        interval_ms = None if seconds is None else seconds * 1000
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=interval_ms)
        provider = MeterProvider([reader], resource=self._resource, shutdown_on_exit=False)
        register_own_metrics(
            provider.get_meter(f"{SCOPE_NAME}.otlp", self._settings.service_version),
            {"metrics": self._metrics, "traces": self._traces},
        )
        self._exporters.append(exporter)
        self._flushes.append(provider.shutdown)

    def _start_traces(self, inner: SpanExporter) -> None:
        exporter = CountingSpanExporter(inner, self._traces)
        provider = TracerProvider(SAMPLER, self._resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = provider.get_tracer(
            SCOPE_NAME, self._settings.service_version, schema_url=SCHEMA_URL
        )
        self._exporters.append(exporter)
        self._flushes.append(provider.shutdown)
