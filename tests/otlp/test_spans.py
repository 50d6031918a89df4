"""Spans: inside the producer's trace, with the attributes of the conventions, at a limited rate."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Kind
from streamgauge.otlp.spans import SAMPLER, TokenBucket, common_attributes, emit_span


@pytest.fixture
def emitted():
    """Emits a span of a record and returns it, None where the sampler dropped it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(SAMPLER, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    def emit(record, *, group=None, exemplar=False):
        common = common_attributes("orders", group=group)
        emit_span(tracer, record, common, exemplar=exemplar)
        spans = exporter.get_finished_spans()
        exporter.clear()
        return spans[0] if spans else None

    yield emit
    provider.shutdown()


def test_span_of_a_record(emitted, make):
    """Name, kind and attributes as the semantic conventions have them for Kafka."""
    span = emitted(make.record(42, 1500, partition=3))
    assert span.name == "process orders.placed"
    assert span.kind is SpanKind.CONSUMER
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders.placed",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 42,
        "streamgauge.stream": "orders",
        "streamgauge.event.age": 1.5,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_producer_is_parent_and_link(emitted, make):
    """The span stands in the producer's trace and links to the span that wrote the record."""
    record = make.record(42, tracestate="rojo=00f067aa,congo=t61rcWkg")
    span = emitted(record)
    (link,) = span.links
    for context in (span.parent, link.context):
        assert f"{context.trace_id:032x}" == record.trace_id
        assert f"{context.span_id:016x}" == record.span_id
        assert context.is_remote
        assert context.trace_flags == 3
    assert span.context.trace_id == span.parent.trace_id
    assert span.context.span_id != span.parent.span_id
    assert span.context.trace_state.to_header() == "rojo=00f067aa,congo=t61rcWkg"


@pytest.mark.parametrize(
    ("append_ms", "start_ms", "end_ms"),
    [(900, 900, 1000), (None, 1000, 1000), (1001, 1001, 1001)],
)
def test_times(emitted, make, append_ms, start_ms, end_ms):
    """From append, or receipt where that is unknown, to receipt, and never backward."""
    span = emitted(make.record(received_ms=1000, append_ms=append_ms))
    assert span.start_time == start_ms * 1_000_000
    assert span.end_time == end_ms * 1_000_000


def said(**fields):
    """What a dead letter of `billing` says."""
    known = {
        "error_class": "shop.billing.InvalidAmountException",
        "consumer_group": "billing",
        "original_topic": "orders.placed",
        "original_partition": 2,
        "original_offset": 4711,
        "message": "the amount <n> is negative",
        "kind": Kind.POISON,
    }
    return DeadLetter(dialect=Dialect.SPRING, **known | fields)


def test_dead_letter_is_an_error(emitted, make):
    """The status says it, the attributes say why, whose and which; nothing says the message."""
    span = emitted(make.record(said=said()))
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    told = {
        "error.type": "InvalidAmountException",
        "messaging.consumer.group.name": "billing",
        "streamgauge.dead_letter.kind": "poison",
        "streamgauge.dead_letter.origin": "orders.placed-2@4711",
    }
    assert told.items() <= dict(span.attributes).items()
    assert not any("negative" in str(value) for value in span.attributes.values())
    assert "error.type" not in emitted(make.record()).attributes


@pytest.mark.parametrize("unknown", ["original_topic", "original_partition", "original_offset"])
def test_what_a_dead_letter_does_not_say_is_not_told(emitted, make, unknown):
    """Neither a group nor half an address; its class is that of its cause."""
    letter = said(consumer_group=None, error_class=None, **{unknown: None})
    span = emitted(make.record(said=letter))
    assert span.attributes["error.type"] == "unclassified"
    told = {"messaging.consumer.group.name", "streamgauge.dead_letter.origin"}
    assert told.isdisjoint(span.attributes)


@pytest.mark.parametrize(
    ("original_ms", "start_ms"),
    [(100, 100), (None, 900), (900, 900), (901, 900), (0, 900), (-5, 900), (1 << 62, 900)],
)
def test_span_of_a_dead_letter_begins_with_its_origin(emitted, make, original_ms, start_ms):
    """Unless the time cannot be that of a record that came before it."""
    letter = said(original_timestamp=original_ms)
    span = emitted(make.record(received_ms=1000, append_ms=900, said=letter))
    assert (span.start_time, span.end_time) == (start_ms * 1_000_000, 1_000_000_000)


def test_texts_of_a_dead_letter_are_bounded(emitted, make):
    """They are headers, and anybody writes them; of an address the end leads to the record."""
    letter = said(error_class="E" * 9_000, consumer_group="g" * 9_000, original_topic="t" * 9_000)
    span = emitted(make.record(said=letter))
    assert max(len(str(value)) for value in span.attributes.values()) <= 256
    assert span.attributes["streamgauge.dead_letter.origin"].endswith("t-2@4711")


def test_optional_attributes(emitted, make):
    """The group and the exemplar are named where they are known, the age only if there is one."""
    span = emitted(make.record(age_ms=None), group="billing", exemplar=True)
    assert span.attributes["messaging.consumer.group.name"] == "billing"
    assert span.attributes["streamgauge.exemplar"] is True
    assert "streamgauge.event.age" not in span.attributes


@pytest.mark.parametrize(("flags", "recorded"), [(0, False), (1, True), (2, False), (3, True)])
def test_sampler_follows_the_remote_flag(emitted, make, flags, recorded):
    """What the producer samples is recorded, and nothing else; other flag bits do not matter."""
    assert (emitted(make.record(flags=flags)) is not None) is recorded


def test_sampler_ignores_the_variable(monkeypatch, make):
    """OTEL_TRACES_SAMPLER=always_off does not lose a sampled trace."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    exporter = InMemorySpanExporter()
    provider = TracerProvider(SAMPLER, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    common = common_attributes("orders", group=None)
    emit_span(provider.get_tracer("test"), make.record(), common, exemplar=False)
    assert len(exporter.get_finished_spans()) == 1
    provider.shutdown()


def test_bucket_grants_the_rate_and_no_more():
    """Ten at once after a quiet second, then one each 100 ms."""
    bucket = TokenBucket(10)
    assert bucket.take(25, 0) == 10
    assert bucket.take(5, 0) == 0
    assert bucket.take(5, 250) == 2
    assert bucket.take(5, 300) == 1
    assert bucket.take(100, 60_000) == 10


def test_bucket_below_one_per_second():
    """A rate of 0.5 grants one record every two seconds."""
    bucket = TokenBucket(0.5)
    assert bucket.take(5, 0) == 1
    assert bucket.take(5, 1000) == 0
    assert bucket.take(5, 2000) == 1


def test_bucket_with_a_clock_that_goes_back():
    """Nothing is gained by it, and the rate goes on from there."""
    bucket = TokenBucket(10)
    assert bucket.take(10, 10_000) == 10
    assert bucket.take(10, 0) == 0
    assert bucket.take(10, 500) == 5


def test_bucket_of_zero_grants_nothing():
    """Spans can be switched off."""
    assert TokenBucket(0).take(1, 10_000) == 0
