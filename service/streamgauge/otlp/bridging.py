"""Exporters that stand between the SDK and its OTLP exporters, to add streams and count results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.sdk.metrics.export import ResourceMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

    from streamgauge.otlp.outcome import Outcome
    from streamgauge.otlp.stream_metrics import StreamMetrics

ALL_CUMULATIVE: Final[dict[type, AggregationTemporality]] = dict.fromkeys(
    (
        Counter,
        Histogram,
        ObservableCounter,
        ObservableGauge,
        ObservableUpDownCounter,
        UpDownCounter,
    ),
    AggregationTemporality.CUMULATIVE,
)
"""Whatever OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE says, as for the streams."""


class BridgingExporter(MetricExporter):
    """Adds the streams to what the SDK collected, then lets the OTLP exporter send both.

    The SDK has no way yet to take in points that were aggregated elsewhere; its data classes and
    this base class are public, so the stock reader keeps thread, interval and shutdown.
    """

    def __init__(self, inner: MetricExporter, streams: StreamMetrics, outcome: Outcome) -> None:
        super().__init__(preferred_temporality=ALL_CUMULATIVE)
        self._inner = inner
        self._streams = streams
        self._outcome = outcome
        self._closed = False

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,  # noqa: ANN401 - as the base class declares it
    ) -> MetricExportResult:
        """Send the process's own metrics and those of every stream that has something new."""

        def send() -> MetricExportResult:
            merged = _merged([*metrics_data.resource_metrics, *self._streams.collect()])
            return self._inner.export(MetricsData(merged), timeout_millis, **kwargs)

        result = self._outcome.watch(send, success=MetricExportResult.SUCCESS)
        if result is MetricExportResult.SUCCESS:
            self._streams.delivered()
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept back here."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(
        self,
        timeout_millis: float = 30_000,
        **kwargs: Any,  # noqa: ANN401 - as the base class declares it
    ) -> None:
        """Close the OTLP exporter, once; that also ends its wait before the next try."""
        if not self._closed:
            self._closed = True
            self._inner.shutdown(timeout_millis, **kwargs)


class CountingSpanExporter(SpanExporter):
    """Counts what became of each batch of spans."""

    def __init__(self, inner: SpanExporter, outcome: Outcome) -> None:
        self._inner = inner
        self._outcome = outcome
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch."""
        return self._outcome.watch(
            lambda: self._inner.export(spans), success=SpanExportResult.SUCCESS
        )

    def shutdown(self) -> None:
        """Close the OTLP exporter, once; that also ends its wait before the next try."""
        if not self._closed:
            self._closed = True
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept back here."""
        return self._inner.force_flush(timeout_millis)


def _merged(parts: Iterable[ResourceMetrics]) -> list[ResourceMetrics]:
    """One entry for each resource: of two equal ones the OTLP encoder would lose the first."""
    by_resource: dict[Resource, ResourceMetrics] = {}
    for part in parts:
        before = by_resource.get(part.resource)
        scopes = [] if before is None else before.scope_metrics
        by_resource[part.resource] = replace(part, scope_metrics=[*scopes, *part.scope_metrics])
    return list(by_resource.values())
