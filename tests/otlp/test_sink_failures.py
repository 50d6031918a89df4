"""A collector that fails: counted, told why, made up for, and never felt on the event loop."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest

from streamgauge.otlp.environment import OtlpConfigurationError
from streamgauge.otlp.sink import OtlpSettings, OtlpSink
from streamgauge_demo.parts.otlp_receiver import NO_FAULTS, Faults

RECORDS = "streamgauge.records"
FAULTS = {
    "overloaded": Faults(grpc_status=grpc.StatusCode.UNAVAILABLE, http_status=503),
    "refusing": Faults(grpc_status=grpc.StatusCode.INVALID_ARGUMENT, http_status=400),
    "slow": Faults(delay_seconds=3),
    "mute": Faults(mute=True),
}


@pytest.fixture
def short_timeout(monkeypatch):
    """Exports give up soon."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize("fault", FAULTS)
async def test_failure_is_counted_and_made_up_for(
    start_sink, otlp_receiver, eventually, make, fault
):
    """Both signals count it with a reason; afterwards the totals of the outage arrive."""
    otlp_receiver.faults = FAULTS[fault]
    sink = start_sink()
    sink.publish(make.snapshot(make.partition(0, [5, 6, 7])))
    sink.emit_spans("orders", [make.record()])
    await eventually(lambda: all(health.failed for health in sink.health()))
    for health in sink.health():
        assert health.delivered == 0
        assert health.last_delivered_ms is None
        assert health.last_failed_ms is not None
        assert health.last_error
    metrics = sink.health()[0]
    assert metrics.last_error != "the exporter gave no reason"
    otlp_receiver.faults = NO_FAULTS
    (row,) = await eventually(lambda: otlp_receiver.metric_points(RECORDS)[:1])
    assert row.point.value == 3
    await eventually(lambda: sink.health()[0].delivered)
    failed = await eventually(
        lambda: [
            row.point.value
            for row in otlp_receiver.metric_points("streamgauge.otlp.exports")
            if row.attributes == {"signal": "metrics", "outcome": "failed"}
        ]
    )
    assert failed[0] >= 1


@pytest.mark.usefixtures("short_timeout")
async def test_nobody_listens(start_sink, otlp_receiver, eventually, make):
    """A collector that is gone is a counted failure."""
    otlp_receiver.stop()
    sink = start_sink()
    sink.publish(make.full_snapshot())
    await eventually(lambda: sink.health()[0].failed)
    assert sink.health()[0].last_error


@pytest.mark.usefixtures("short_timeout")
async def test_event_loop_does_not_feel_a_mute_collector(
    start_sink, otlp_receiver, eventually, make
):
    """Publishing, observing and emitting go on while exports hang."""
    otlp_receiver.faults = Faults(mute=True)
    sink = start_sink()
    slowest = 0.0
    for number in range(200):
        started = time.perf_counter()
        sink.observe("orders", [make.record(number)])
        sink.publish(make.snapshot(make.partition(0, [5]), as_of_ms=make.start_ms + number))
        sink.emit_spans("orders", [make.record(number)])
        await asyncio.sleep(0.002)
        slowest = max(slowest, time.perf_counter() - started)
    await eventually(lambda: sink.health()[0].failed)
    assert slowest < 1


async def test_shutdown_with_a_mute_collector(start_sink, otlp_receiver, make):
    """The deadline holds where the collector takes the request and never answers."""
    otlp_receiver.faults = Faults(mute=True)
    sink = start_sink()
    sink.publish(make.full_snapshot())
    sink.emit_spans("orders", [make.record()])
    started = time.monotonic()
    assert not await sink.shutdown(0.5)
    assert time.monotonic() - started < 2


async def test_shutdown_with_a_refusing_collector(start_sink, otlp_receiver, make):
    """It is over soon, and says that what was left did not go out."""
    otlp_receiver.faults = FAULTS["refusing"]
    sink = start_sink()
    sink.publish(make.full_snapshot())
    assert not await sink.shutdown(10)


def test_wrong_protocol_is_told_before_the_start(monkeypatch):
    """A configuration error names variable and value."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(OtlpConfigurationError, match="OTEL_EXPORTER_OTLP_PROTOCOL=http/json"):
        OtlpSink(OtlpSettings("1"))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "brotli"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "interval value 0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1", "max_export_batch_size"),
    ],
)
async def test_variable_that_the_sdk_refuses_is_told(monkeypatch, name, value, reason):
    """What the SDK raises becomes a configuration error; what had started can be shut down."""
    monkeypatch.setenv(name, value)
    sink = OtlpSink(OtlpSettings("1"))
    with pytest.raises(OtlpConfigurationError, match=rf"^an OTEL_\* variable .*{reason}"):
        sink.start()
    await sink.shutdown(0.1)
