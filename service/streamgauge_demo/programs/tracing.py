"""Tracing as any service sets it up: OpenTelemetry's SDK and its own aiokafka instrumentation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from typing import Any

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, SpanContext


class Tracing:
    """Traces everything that aiokafka sends and receives, until `close()`.

    Sampler, endpoint and protocol come from the `OTEL_*` variables.

    Args:
        service_name: under which a tracing backend shows the spans.
    """

    def __init__(self, service_name: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
        if os.environ.get("OTEL_TRACES_EXPORTER") != "none":
            self._provider.add_span_processor(BatchSpanProcessor(_exporter()))
        self._sending: Span | None = None
        AIOKafkaInstrumentor().instrument(
            tracer_provider=self._provider, async_produce_hook=self._remember
        )

    async def _remember(self, span: Span, _: tuple[Any, ...], __: dict[str, Any]) -> None:
        self._sending = span

    @property
    def last_sent(self) -> SpanContext:
        """The context that the record whose `send` was awaited last carries in its headers."""
        if self._sending is None:
            raise RuntimeError("nothing was sent yet")
        return self._sending.get_span_context()

    def close(self) -> None:
        """Export what is left and stop tracing."""
        AIOKafkaInstrumentor().uninstrument()
        self._provider.shutdown()


def _exporter() -> SpanExporter:
    """The exporter that `OTEL_EXPORTER_OTLP_PROTOCOL` asks for; gRPC without it."""
    if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter as HttpSpanExporter,
        )

        return HttpSpanExporter()
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter as GrpcSpanExporter,
    )

    return GrpcSpanExporter()
