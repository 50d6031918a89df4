"""The collector part is a real one: what it was sent is read back from its files."""

import tempfile
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from streamgauge_demo.parts import otlp_values
from streamgauge_demo.parts.collector import launch_collector as launch

NOW_NS = 1_800_000_000_123_456_789
TRACE_ID, SPAN_ID, PARENT_ID = bytes(range(200, 216)), bytes(range(8)), b"\xff" * 8
ATTRIBUTES = [
    KeyValue(key="text", value=AnyValue(string_value="ä\n")),
    KeyValue(key="int", value=AnyValue(int_value=2**60 + 1)),
    KeyValue(key="traceId", value=AnyValue(bytes_value=b"\x00\xfe")),
    KeyValue(
        key="list", value=AnyValue(array_value=ArrayValue(values=[AnyValue(bool_value=True)]))
    ),
]
EXEMPLAR = Exemplar(
    as_double=0.1, time_unix_nano=NOW_NS, trace_id=TRACE_ID, span_id=SPAN_ID,
    filtered_attributes=ATTRIBUTES,
)  # fmt: skip


def metrics():
    """A metric of each kind."""
    times = {"start_time_unix_nano": NOW_NS - 1, "time_unix_nano": NOW_NS}
    point = NumberDataPoint(as_int=2**53 + 1, attributes=ATTRIBUTES, exemplars=[EXEMPLAR], **times)
    buckets = ExponentialHistogramDataPoint.Buckets(offset=-3, bucket_counts=[1, 0, 2**40])
    exponential = ExponentialHistogramDataPoint(
        count=2**40 + 3, sum=1e-300, scale=3, zero_count=2, positive=buckets, exemplars=[EXEMPLAR],
        attributes=ATTRIBUTES, **times,
    )  # fmt: skip
    explicit = HistogramDataPoint(
        count=3, sum=0.3, explicit_bounds=[0.1], bucket_counts=[1, 2], min=0.1, max=0.1, **times
    )
    cumulative = {"aggregation_temporality": AGGREGATION_TEMPORALITY_CUMULATIVE}
    sums = Sum(data_points=[point], is_monotonic=True, **cumulative)
    exponentials = ExponentialHistogram(data_points=[exponential], **cumulative)
    found = [
        Metric(name="a.sum", unit="1", sum=sums),
        Metric(name="a.gauge", gauge=Gauge(data_points=[NumberDataPoint(as_double=-0.1, **times)])),
        Metric(name="an.exponential", unit="s", exponential_histogram=exponentials),
        Metric(name="an.explicit", histogram=Histogram(data_points=[explicit], **cumulative)),
    ]
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add(resource=Resource(attributes=ATTRIBUTES))
    group.scope_metrics.add(metrics=found)
    return request


def traces(count):
    """Spans with parent, link and status."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(resource=Resource(attributes=ATTRIBUTES))
    spans = group.scope_spans.add().spans
    for number in range(count):
        spans.add(
            name=f"process {number}", kind=Span.SPAN_KIND_CONSUMER, trace_id=TRACE_ID,
            span_id=SPAN_ID, parent_span_id=PARENT_ID, start_time_unix_nano=NOW_NS,
            end_time_unix_nano=NOW_NS + 1, attributes=ATTRIBUTES,
            links=[Span.Link(trace_id=TRACE_ID, span_id=PARENT_ID, attributes=ATTRIBUTES)],
            status=Status(code=Status.STATUS_CODE_ERROR, message="why"),
        )  # fmt: skip
    return request


def send(collector, protocol, *requests):
    """Send as an exporter does."""
    for request in requests:
        is_metrics = isinstance(request, ExportMetricsServiceRequest)
        if protocol == "grpc":
            address = collector.grpc_endpoint.removeprefix("http://")
            with grpc.insecure_channel(address) as channel:
                stub = MetricsServiceStub(channel) if is_metrics else TraceServiceStub(channel)
                stub.Export(request, timeout=10)
        else:
            path = "/v1/metrics" if is_metrics else "/v1/traces"
            headers = {"Content-Type": "application/x-protobuf"}
            body = request.SerializeToString()
            url = collector.http_endpoint + path
            httpx.post(url, content=body, headers=headers, timeout=10).raise_for_status()


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_was_sent_comes_out_with_every_value(launch_collector, protocol):
    """Ids, 64 bit numbers, fractions, bytes; read after a stop that follows at once."""
    collector = launch_collector()
    sent_metrics, sent_traces = metrics(), traces(2_000)
    send(collector, protocol, sent_metrics, sent_traces)
    collector.shut_down()
    out = collector.out
    names = list(otlp_values.metric_names(sent_metrics))
    assert set(names) <= set(out.metric_names())
    for name in names:
        assert out.metric_points(name) == list(otlp_values.number_rows(sent_metrics, name))
        assert out.histograms(name) == list(otlp_values.histogram_rows(sent_metrics, name))
    assert out.spans() == list(otlp_values.spans(sent_traces))


def test_all_its_addresses_answer(launch_collector):
    """It can be scraped, for what came in and for itself."""
    collector = launch_collector()
    send(collector, "grpc", metrics())
    assert "a_gauge{" in httpx.get(collector.scrape_url, timeout=5).text
    own = httpx.get(collector.own_metrics_url, timeout=5).text
    assert "otelcol_receiver_accepted_metric_points" in own


@pytest.fixture
def temporary_folder(monkeypatch, tmp_path):
    """A temporary folder of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_stop_leaves_nothing(temporary_folder, launch_collector):
    """Neither its files, the queue's folder among them, nor anybody who answers."""
    collector = launch_collector()
    (folder,) = temporary_folder.iterdir()
    assert (folder / "queue").is_dir()
    collector.stop()
    assert not collector.ready()
    assert list(temporary_folder.iterdir()) == []


def test_failed_start_tells_the_log_and_leaves_nothing(temporary_folder, collector_binary):
    """What the collector says of a wrong configuration is told."""
    config = Path(temporary_folder, "wrong.yaml")
    config.write_text("exporters: {debug: {verbosty: basic}}")
    with pytest.raises(RuntimeError, match="invalid keys: verbosty"):
        launch(collector_binary, config)
    assert list(temporary_folder.iterdir()) == [config]


def test_a_port_that_is_taken_is_told(launch_collector):
    """A given address is not replaced by another one, however often it is tried."""
    taken = launch_collector().grpc_endpoint.removeprefix("http://")
    with pytest.raises(RuntimeError, match="address already in use"):
        launch_collector(OTLP_GRPC_ENDPOINT=taken)
