"""Spans as a real receiver gets them, by gRPC and by HTTP."""

from __future__ import annotations

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect


async def test_span_arrives_in_the_producers_trace(start_sink, otlp_receiver, eventually, make):
    """Parent, link, times and attributes survive the way."""
    record = make.record(42, 1500, partition=3, tracestate="rojo=1")
    sink = start_sink()
    sink.observe("orders", [record])
    sink.emit_spans("orders", [record, make.record(43, None)], group="billing")
    await eventually(lambda: len(otlp_receiver.spans()) == 2)
    span, other = otlp_receiver.spans()
    assert span.resource["service.name"] == "streamgauge"
    assert span.resource["service.instance.id"] != "orders"
    assert (span.name, span.kind) == ("process orders.placed", "CONSUMER")
    assert span.trace_id == record.trace_id
    assert span.parent_span_id == record.span_id
    assert [(link.trace_id, link.span_id) for link in span.links] == [
        (record.trace_id, record.span_id)
    ]
    assert span.start_ns == record.append_ms * 1_000_000
    assert span.end_ns == record.received_ms * 1_000_000
    assert span.status == "UNSET"
    assert span.attributes["messaging.kafka.offset"] == 42
    assert span.attributes["messaging.destination.partition.id"] == "3"
    assert span.attributes["messaging.consumer.group.name"] == "billing"
    assert span.attributes["streamgauge.event.age"] == 1.5
    assert span.attributes["streamgauge.exemplar"] is True
    assert "streamgauge.exemplar" not in other.attributes
    assert "streamgauge.event.age" not in other.attributes


async def test_dead_letter_arrives_as_an_error(start_sink, otlp_receiver, eventually, make):
    """Status ERROR and error.type."""
    sink = start_sink()
    said = DeadLetter(dialect=Dialect.SPRING, error_class="shop.InvalidAmountException")
    dead = make.record(topic="orders.placed.dlq", age_ms=None, said=said)
    sink.emit_spans("orders", [dead])
    (span,) = await eventually(otlp_receiver.spans)
    assert span.name == "process orders.placed.dlq"
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == "InvalidAmountException"


async def test_unsampled_record_makes_no_span(start_sink, otlp_receiver, make):
    """Even if the caller hands one over."""
    sink = start_sink()
    sink.emit_spans("orders", [make.record(1, flags=2), make.record(2)])
    assert await sink.shutdown(10)
    assert [span.attributes["messaging.kafka.offset"] for span in otlp_receiver.spans()] == [2]


async def test_rate_is_limited_and_drops_are_counted(start_sink):
    """Dead letters have a budget of their own; what is not granted is visible in the health."""
    sink = start_sink(spans_per_second=2)
    assert sink.reserve_spans(5, now_ms=1000, dead_letter=False) == 2
    assert sink.reserve_spans(5, now_ms=1000, dead_letter=True) == 2
    assert sink.reserve_spans(1, now_ms=1500, dead_letter=False) == 1
    assert sink.reserve_spans(0, now_ms=1500, dead_letter=False) == 0
    _, traces = sink.health()
    assert traces.dropped == 6
