"""The SDK's OTLP exporters, chosen by protocol; only the chosen one is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from streamgauge.otlp.environment import Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from streamgauge.otlp.environment import SignalSettings

_PACKAGES: Final[Mapping[Protocol, str]] = {
    Protocol.GRPC: "opentelemetry.exporter.otlp.proto.grpc",
    Protocol.HTTP: "opentelemetry.exporter.otlp.proto.http",
}
_POINTS_PER_REQUEST: Final = 1000
"""A point takes at most about 2 KiB, and a collector takes at most 4 MiB by gRPC."""


def metric_exporter(settings: SignalSettings) -> MetricExporter:
    """The OTLP metric exporter; whatever the SDK raises is about a variable it cannot use."""
    module = import_module(f"{_PACKAGES[settings.protocol]}.metric_exporter")
    exporter: MetricExporter = module.OTLPMetricExporter(
        timeout=settings.timeout_seconds, max_export_batch_size=_POINTS_PER_REQUEST
    )
    return exporter


def span_exporter(settings: SignalSettings) -> SpanExporter:
    """The OTLP span exporter; whatever the SDK raises is about a variable it cannot use."""
    module = import_module(f"{_PACKAGES[settings.protocol]}.trace_exporter")
    exporter: SpanExporter = module.OTLPSpanExporter(timeout=settings.timeout_seconds)
    return exporter
