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

from streamgauge.core.dead_letters.cause import cause_of
from streamgauge.otlp.points import NANOS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import AttributeValue

    from streamgauge.core.dead_letters.dead_letter import DeadLetter
    from streamgauge.core.traced import TracedRecord

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""The semantic conventions whose attribute names are used."""
SAMPLER: Final = ParentBased(root=ALWAYS_OFF)
"""Records what the producer records, and nothing else."""
EXEMPLAR: Final = "streamgauge.exemplar"
"""Attribute of a span whose record was offered as an exemplar, for a sampler that keeps those."""
TEXT_MAX: Final = 256
"""Characters of an attribute that a dead letter's headers tell; Kafka's names are no longer."""
_ERROR_TYPE: Final = "error.type"
_GROUP: Final = "messaging.consumer.group.name"


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


def common_attributes(stream: str, *, group: str | None) -> Mapping[str, AttributeValue]:
    """What the spans of one batch have in common."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "streamgauge.stream": stream,
    }
    if group is not None:
        attributes[_GROUP] = group
    return attributes


def emit_span(
    tracer: Tracer,
    record: TracedRecord,
    common: Mapping[str, AttributeValue],
    *,
    exemplar: bool,
) -> None:
    """Start and end the span of one record; that of a dead letter has the status ERROR.

    It lasts from the append time, or from the receipt where that is unknown, to the receipt; that
    of a dead letter from the record timestamp of its origin, where the letter says it. The
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
    if record.said is not None:
        attributes |= _of_dead_letter(record.said)
        begun_ms = record.said.original_timestamp
        if begun_ms is not None and 0 < begun_ms < start_ms:  # a clock may be ahead, or anything
            start_ms = begun_ms
    span = tracer.start_span(
        f"process {record.topic}",
        context=set_span_in_context(NonRecordingSpan(producer), Context()),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
        links=[Link(producer)],
        start_time=start_ms * NANOS_PER_MS,
    )
    if record.said is not None:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=max(start_ms, record.received_ms) * NANOS_PER_MS)


def _of_dead_letter(said: DeadLetter) -> dict[str, AttributeValue]:
    """Whose it is and why it died, in the words of its cause; never a message."""
    cause, origin = cause_of(said), said.origin
    attributes: dict[str, AttributeValue] = {
        _ERROR_TYPE: cause.error_class,
        "streamgauge.dead_letter.kind": said.kind.value,
    }
    if cause.consumer_group is not None:
        attributes[_GROUP] = cause.consumer_group[:TEXT_MAX]
    if origin.is_whole:
        where = f"{origin.topic}-{origin.partition}@{origin.offset}"
        attributes["streamgauge.dead_letter.origin"] = where[-TEXT_MAX:]
    return attributes
