"""The receiver understands OpenTelemetry's own exporters, and misbehaves as it is told."""

import contextlib
import threading
import time

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.metrics.view import (
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode

from streamgauge_demo.parts.otlp_receiver import NO_FAULTS, Faults, OtlpReceiver

RESOURCE = Resource({"service.name": "test"})


@pytest.fixture(params=["grpc", "http"])
def protocol(request):
    """Either protocol."""
    return request.param


def metric_exporter(receiver, protocol, timeout_seconds):
    """Give the real exporter of metrics."""
    if protocol == "grpc":
        return GrpcMetricExporter(receiver.grpc_endpoint, insecure=True, timeout=timeout_seconds)
    return HttpMetricExporter(f"{receiver.http_endpoint}/v1/metrics", timeout=timeout_seconds)


@pytest.fixture
def export_metrics(otlp_receiver, protocol):
    """Send metrics data with the real exporter: `export_metrics(data)`."""
    exporter = metric_exporter(otlp_receiver, protocol, timeout_seconds=10)
    yield exporter.export
    exporter.shutdown()


@pytest.fixture
def span_exporter(otlp_receiver, protocol):
    """The real exporter of spans."""
    if protocol == "grpc":
        return GrpcSpanExporter(otlp_receiver.grpc_endpoint, insecure=True)
    return HttpSpanExporter(f"{otlp_receiver.http_endpoint}/v1/traces")


@pytest.fixture
def metrics_data():
    """A counter, a gauge and both kinds of histograms, as the SDK makes them."""
    reader = InMemoryMetricReader()
    exponential = View(
        instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation()
    )
    provider = MeterProvider([reader], RESOURCE, views=[exponential], shutdown_on_exit=False)
    meter = provider.get_meter("test")
    meter.create_counter("counter", unit="{record}").add(3, {"kind": "a"})
    meter.create_gauge("gauge", unit="s").set(2.5)
    for name in ("explicit", "exponential"):
        histogram = meter.create_histogram(name, unit="s")
        for value in (0.0, 1.0, 4.0):
            histogram.record(value, {"stage": name})
    data = reader.get_metrics_data()
    provider.shutdown()
    return data


def test_reads_numbers(otlp_receiver, export_metrics, metrics_data):
    """A counter and a gauge come with value, unit, attributes, resource and kind."""
    export_metrics(metrics_data)
    ((resource, attributes, point),) = otlp_receiver.metric_points("counter")
    assert resource == dict(RESOURCE.attributes)
    assert attributes == {"kind": "a"}
    assert (point.value, point.unit) == (3, "{record}")
    assert (point.temporality, point.monotonic) == ("CUMULATIVE", True)
    assert 0 < point.start_ns <= point.time_ns
    ((_, _, point),) = otlp_receiver.metric_points("gauge")
    assert (point.value, point.temporality, point.monotonic) == (2.5, "UNSPECIFIED", False)
    assert otlp_receiver.metric_points("missing") == []
    assert otlp_receiver.metric_names() == ["counter", "explicit", "exponential", "gauge"]


def test_reads_histograms(otlp_receiver, export_metrics, metrics_data):
    """Both kinds of histogram come with buckets, extremes and sum."""
    export_metrics(metrics_data)
    for name in ("explicit", "exponential"):
        ((_, attributes, point),) = otlp_receiver.histograms(name)
        assert attributes == {"stage": name}
        assert (point.count, point.sum, point.min, point.max) == (3, 5.0, 0.0, 4.0)
        assert sum(point.counts) + point.zero_count == 3
    assert point.scale is not None
    assert point.zero_count == 1
    ((_, _, explicit),) = otlp_receiver.histograms("explicit")
    assert explicit.scale is None
    assert len(explicit.counts) == len(explicit.bounds) + 1


def test_reads_spans(otlp_receiver, span_exporter):
    """A span comes with its kind, parent, links, status and attributes."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(span_exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("producer") as producer:
        links = [Link(producer.get_span_context(), {"n": 1})]
        with tracer.start_as_current_span(
            "process t", None, SpanKind.CONSUMER, links=links
        ) as span:
            span.set_attribute("topics", ["t", "u"])
            span.set_status(StatusCode.ERROR, "dead")
    provider.shutdown()
    process, parent = otlp_receiver.spans()
    assert (process.name, process.kind, process.status) == ("process t", "CONSUMER", "ERROR")
    assert (process.status_message, process.attributes) == ("dead", {"topics": ["t", "u"]})
    assert process.resource["service.name"] == "test"
    assert process.trace_id == parent.trace_id == f"{producer.get_span_context().trace_id:032x}"
    assert process.parent_span_id == parent.span_id
    assert [(link.span_id, link.attributes) for link in process.links] == [
        (parent.span_id, {"n": 1})
    ]
    assert 0 < process.start_ns <= process.end_ns


@pytest.mark.parametrize("concerned", [True, False])
def test_refuses_as_told(otlp_receiver, export_metrics, metrics_data, protocol, concerned):
    """A refused request is counted and not kept; the other protocol is not concerned."""
    faults = {
        "grpc": Faults(grpc_status=grpc.StatusCode.INVALID_ARGUMENT),
        "http": Faults(None, 400),
    }
    other = "http" if protocol == "grpc" else "grpc"
    otlp_receiver.faults = faults[protocol if concerned else other]
    export_metrics(metrics_data)
    assert otlp_receiver.calls == 1
    assert len(otlp_receiver.metric_points("counter")) == (0 if concerned else 1)
    otlp_receiver.faults = NO_FAULTS
    otlp_receiver.forget()
    export_metrics(metrics_data)
    assert otlp_receiver.calls == len(otlp_receiver.metric_points("counter")) == 1


def test_delays(otlp_receiver, export_metrics, metrics_data):
    """The answer takes as long as told, and the request is kept."""
    otlp_receiver.faults = Faults(delay_seconds=0.3)
    begin = time.monotonic()
    export_metrics(metrics_data)
    assert time.monotonic() - begin >= 0.3
    assert len(otlp_receiver.metric_points("counter")) == 1


def test_is_mute(otlp_receiver, protocol, metrics_data):
    """The client waits in vain until it gives up, and nothing is kept."""
    otlp_receiver.faults = Faults(mute=True)
    exporter = metric_exporter(otlp_receiver, protocol, timeout_seconds=1)
    begin = time.monotonic()
    assert exporter.export(metrics_data) is MetricExportResult.FAILURE
    assert time.monotonic() - begin >= 0.9
    exporter.shutdown()
    otlp_receiver.faults = NO_FAULTS
    assert otlp_receiver.metric_points("counter") == []


def test_newest_is_last(otlp_receiver, export_metrics, metrics_data):
    """Points come in the order in which they were received."""
    for _ in range(2):
        export_metrics(metrics_data)
    first, last = otlp_receiver.metric_points("counter")
    assert first.point == last.point
    assert otlp_receiver.calls == 2


def wait_in_vain(receiver):
    """Send a request that gets no answer."""
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{receiver.http_endpoint}/v1/traces", content=b"")


def test_stops_while_a_client_waits():
    """stop() ends mute requests and idle connections and joins every thread."""
    before = set(threading.enumerate())
    with OtlpReceiver() as receiver, httpx.Client() as client:
        client.post(f"{receiver.http_endpoint}/v1/traces", content=b"")
        receiver.faults = Faults(mute=True)
        waiting = threading.Thread(target=wait_in_vain, args=[receiver])
        waiting.start()
        while receiver.calls < 2:
            time.sleep(0.01)
        receiver.stop()
        waiting.join()
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def test_port_can_be_used_again():
    """A receiver may come back where another one was, as a collector does after an outage."""
    with OtlpReceiver() as first:
        ports = [int(url.rpartition(":")[2]) for url in (first.grpc_endpoint, first.http_endpoint)]
    with OtlpReceiver(*ports) as second:
        assert (second.grpc_endpoint, second.http_endpoint) == (
            first.grpc_endpoint,
            first.http_endpoint,
        )


def test_unknown_path_is_not_found(otlp_receiver):
    """Only the two paths of the protocol exist."""
    assert httpx.post(f"{otlp_receiver.http_endpoint}/v1/logs", content=b"").status_code == 404
