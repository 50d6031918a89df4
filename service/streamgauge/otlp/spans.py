"""One span for a sampled record, inside the trace of its producer, at a limited rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from streamgauge.otlp.points import NANOS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import AttributeValue

    from streamgauge.core.traced import TracedRecord

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""The semantic conventions whose attribute names are used."""
SAMPLER: Final = ParentBased(root=ALWAYS_OFF)
"""Records what the producer records, and nothing else."""
EXEMPLAR: Final = "streamgauge.exemplar"
"""Attribute of a span whose record was offered as an exemplar, for a sampler that keeps those."""
_ERROR_TYPE: Final = "error.type"


class TokenBucket:
    """Grants at most `per_second` a second, and as many at once after a quiet second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._capacity = max(per_second, 1.0) if per_second > 0 else 0.0
        self._tokens = self._capacity
        self._filled_ms: int | None = None

    def take(self, wanted: int, now_ms: int) -> int:
        """Grant up to `wanted`; returns how many. A clock that goes back earns nothing."""
        if self._filled_ms is not None:
            gained = max(now_ms - self._filled_ms, 0) / 1000 * self._per_second
            self._tokens = min(self._tokens + gained, self._capacity)
        self._filled_ms = now_ms
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return granted


def common_attributes(
    stream: str, *, dead_letter: bool, group: str | None
) -> Mapping[str, AttributeValue]:
    """What the spans of one batch have in common."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "streamgauge.stream": stream,
    }
    if group is not None:
        attributes["messaging.consumer.group.name"] = group
    if dead_letter:
        attributes[_ERROR_TYPE] = "dead_letter"
    return attributes


def emit_span(
    tracer: Tracer,
    record: TracedRecord,
    common: Mapping[str, AttributeValue],
    *,
    exemplar: bool,
) -> None:
    """Start and end the span of one record; its status is an error where it has an `error.type`.

    It lasts from the append time, or from the receipt where that is unknown, to the receipt. The
    producer's span is parent and link: the conventions want the link and allow the parent for a
    span of a single message. Source: OpenTelemetry semantic conventions 1.44, "Messaging spans"
    and "Kafka".
    """
    producer = SpanContext(
        trace_id=int(record.trace_id, 16),
        span_id=int(record.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(record.flags),
        trace_state=TraceState.from_header([record.tracestate]) if record.tracestate else None,
    )
    attributes: dict[str, AttributeValue] = {
        **common,
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
    }
    if record.age_ms is not None:
        attributes["streamgauge.event.age"] = record.age_ms / 1000
    if exemplar:
        attributes[EXEMPLAR] = True
    start_ms = record.received_ms if record.append_ms is None else record.append_ms
    span = tracer.start_span(
        f"process {record.topic}",
        context=set_span_in_context(NonRecordingSpan(producer), Context()),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
        links=[Link(producer)],
        start_time=start_ms * NANOS_PER_MS,
    )
    if _ERROR_TYPE in common:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=max(start_ms, record.received_ms) * NANOS_PER_MS)
