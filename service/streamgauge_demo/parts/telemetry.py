"""Telemetry that has arrived somewhere, asked for by name, wherever its requests are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from streamgauge_demo.parts import otlp_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from streamgauge_demo.parts.otlp_values import HistogramPoint, NumberPoint, Row, Span


class Telemetry(ABC):
    """Rows and spans of all requests, the newest last."""

    @abstractmethod
    def metric_requests(self) -> Iterable[ExportMetricsServiceRequest]:
        """Give the requests with metrics in the order in which they came."""

    @abstractmethod
    def trace_requests(self) -> Iterable[ExportTraceServiceRequest]:
        """Give the requests with spans in the order in which they came."""

    def metric_names(self) -> list[str]:
        """Give the names of all metrics, sorted, each once."""
        requests = self.metric_requests()
        return sorted({name for found in requests for name in otlp_values.metric_names(found)})

    def metric_points(self, name: str) -> list[Row[NumberPoint]]:
        """Give `(resource, attributes, point)` of the gauge or sum `name`."""
        requests = self.metric_requests()
        return [row for found in requests for row in otlp_values.number_rows(found, name)]

    def histograms(self, name: str) -> list[Row[HistogramPoint]]:
        """Give `(resource, attributes, point)` of the histogram `name`."""
        requests = self.metric_requests()
        return [row for found in requests for row in otlp_values.histogram_rows(found, name)]

    def spans(self) -> list[Span]:
        """Give all spans."""
        return [span for found in self.trace_requests() for span in otlp_values.spans(found)]
