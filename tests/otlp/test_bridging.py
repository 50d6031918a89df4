"""The exporters between the SDK and OTLP: nothing is lost in the encoder, every result counts."""

from __future__ import annotations

import logging
import threading

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from streamgauge.otlp.bridging import BridgingExporter, CountingSpanExporter
from streamgauge.otlp.outcome import LOGGERS, LastLine, Outcome
from streamgauge.otlp.own_metrics import register_own_metrics
from streamgauge.otlp.stream_metrics import StreamMetrics

INSTANCE = "orders"


class Encoding(MetricExporter):
    """Encodes as the OTLP exporters do, and returns what it is told to."""

    def __init__(self):
        super().__init__()
        self.requests = []
        self.result = MetricExportResult.SUCCESS
        self.error = None
        self.closed = 0

    @override
    def export(self, metrics_data, timeout_millis=10_000, **kwargs):
        self.requests.append(encode_metrics(metrics_data))
        if self.error:
            raise self.error
        if self.result is MetricExportResult.FAILURE:
            logging.getLogger(LOGGERS[0]).error("Failed to export: %s", "broken")
        return self.result

    @override
    def force_flush(self, timeout_millis=10_000):
        return True

    @override
    def shutdown(self, timeout_millis=30_000, **kwargs):
        self.closed += 1


class Bridge:
    """The whole way from the SDK's reader to the encoder, for a process called like a stream."""

    def __init__(self, last_line):
        resource = Resource({"service.name": "streamgauge", "service.instance.id": INSTANCE})
        self.outcome = Outcome("otlp_metrics", last_line)
        self.streams = StreamMetrics(
            resource, "1", self.outcome, series_max=10, exemplars_per_series=5
        )
        self.inner = Encoding()
        self.exporter = BridgingExporter(self.inner, self.streams, self.outcome)
        reader = PeriodicExportingMetricReader(self.exporter, export_interval_millis=60_000)
        self.provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        register_own_metrics(self.provider.get_meter("own"), {"metrics": self.outcome})

    def export(self):
        """Metric names by instance in one export."""
        self.provider.force_flush()
        return {
            next(
                pair.value.string_value
                for pair in part.resource.attributes
                if pair.key == "service.instance.id"
            ): {metric.name for scope in part.scope_metrics for metric in scope.metrics}
            for part in self.inner.requests[-1].resource_metrics
        }


@pytest.fixture
def last_line():
    """What the exporters log."""
    line = LastLine()
    line.attach()
    yield line
    line.detach()


@pytest.fixture
def bridge(last_line):
    """A bridge that is shut down at the end."""
    bridge = Bridge(last_line)
    yield bridge
    bridge.provider.shutdown()


def test_process_and_streams_are_sent_together(bridge, make):
    """One request has the process's own metrics and every stream."""
    bridge.streams.publish(make.snapshot(make.partition(0, [1]), stream="carts"))
    exported = bridge.export()
    assert exported[INSTANCE] == {"streamgauge.otlp.exports"}
    assert "streamgauge.records" in exported["carts"]


def test_process_called_like_a_stream_loses_nothing(bridge, make):
    """Of two equal resources the encoder would keep one; they are sent as one instead."""
    bridge.streams.publish(make.snapshot(make.partition(0, [1]), stream=INSTANCE))
    exported = bridge.export()
    assert {"streamgauge.otlp.exports", "streamgauge.records"} <= exported[INSTANCE]


def test_process_is_told_without_any_stream(bridge):
    """An export happens, and is counted, before the first snapshot."""
    assert bridge.export() == {INSTANCE: {"streamgauge.otlp.exports"}}
    assert bridge.outcome.health().delivered == 1


def test_failure_is_counted_with_its_reason(bridge, make):
    """The SDK's flush says nothing of it; the count and the logged line do."""
    bridge.inner.result = MetricExportResult.FAILURE
    bridge.streams.publish(make.snapshot(make.partition(0, [1]), stream="carts"))
    assert "carts" in bridge.export()
    health = bridge.outcome.health()
    assert (health.delivered, health.failed) == (0, 1)
    assert health.last_error == "Failed to export: broken"
    assert health.last_failed_ms is not None
    assert health.last_delivered_ms is None
    bridge.inner.result = MetricExportResult.SUCCESS
    assert "carts" in bridge.export()
    assert "carts" not in bridge.export()
    assert bridge.outcome.health().delivered == 2


def test_exporter_that_raises_is_a_failure(bridge):
    """The reader goes on, the count says it."""
    bridge.inner.error = RuntimeError("no such thing" + "!" * 1000)
    bridge.export()
    health = bridge.outcome.health()
    assert health.failed == 1
    assert health.last_error.startswith("RuntimeError: no such thing!")
    assert len(health.last_error) == 300


def test_failure_without_a_reason_keeps_the_last_one(last_line):
    """A text that is older says more than none."""
    outcome = Outcome("otlp_metrics", last_line)
    outcome.watch(lambda: False, success=True)
    assert outcome.health().last_error == "the exporter gave no reason"
    outcome.fail("refused")
    outcome.watch(lambda: False, success=True)
    assert outcome.health().last_error == "refused"
    assert outcome.health().failed == 3


def test_reason_is_known_though_the_sdk_logs_it_once(bridge):
    """The SDK leaves out a line that is equal to the one before, of whatever signal."""
    bridge.inner.result = MetricExportResult.FAILURE
    bridge.export()
    bridge.outcome.fail("something else")
    bridge.export()
    assert bridge.outcome.health().last_error == "Failed to export: broken"


def test_reason_of_another_thread_is_not_taken(last_line):
    """Metrics and spans are exported at the same time and log to the same loggers."""
    outcome = Outcome("otlp_traces", last_line)

    def export():
        log = logging.getLogger(LOGGERS[0])
        other = threading.Thread(target=log.error, args=("metrics are refused",))
        other.start()
        other.join()
        return False

    outcome.watch(export, success=True)
    assert outcome.health().last_error == "the exporter gave no reason"


def test_own_metrics_say_how_exports_went(bridge):
    """Outcomes and drops of a signal are ordinary metrics of the process."""
    bridge.outcome.drop("series_max", 4)
    bridge.export()
    bridge.export()
    (part,) = bridge.inner.requests[-1].resource_metrics
    found = {
        (metric.name, *(pair.value.string_value for pair in point.attributes)): point.as_int
        for scope in part.scope_metrics
        for metric in scope.metrics
        for point in metric.sum.data_points
    }
    assert found == {
        ("streamgauge.otlp.exports", "metrics", "delivered"): 1,
        ("streamgauge.otlp.exports", "metrics", "failed"): 0,
        ("streamgauge.otlp.dropped", "metrics", "series_max"): 4,
    }


def test_exporter_is_closed_once(bridge):
    """The sink's deadline and the SDK both close it."""
    bridge.exporter.shutdown()
    bridge.provider.shutdown()
    assert bridge.inner.closed == 1


def test_batches_of_spans_are_counted(last_line):
    """Each batch is one export, delivered or failed."""

    class Spans(SpanExporter):
        results = (SpanExportResult.SUCCESS, SpanExportResult.FAILURE)
        closed = 0

        @override
        def export(self, spans):
            return self.results[len(spans)]

        @override
        def shutdown(self):
            self.closed += 1

        @override
        def force_flush(self, timeout_millis=30_000):
            return True

    outcome, inner = Outcome("otlp_traces", last_line), Spans()
    exporter = CountingSpanExporter(inner, outcome)
    assert exporter.export([]) is SpanExportResult.SUCCESS
    assert exporter.export(["span"]) is SpanExportResult.FAILURE
    assert exporter.force_flush()
    exporter.shutdown()
    exporter.shutdown()
    assert inner.closed == 1
    assert (outcome.health().delivered, outcome.health().failed) == (1, 1)
