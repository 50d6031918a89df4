"""Metrics as a real receiver gets them, by gRPC and by HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

AGE = "streamgauge.event.age"
RECORDS = "streamgauge.records"


def latest(rows):
    """The newest value by the attributes of its point."""
    return {tuple(sorted(row.attributes.items())): row.point for row in rows}


async def exports(receiver, eventually, count):
    """Wait for so many more exports."""
    calls = receiver.calls
    await eventually(lambda: receiver.calls >= calls + count)


async def test_every_metric_arrives(start_sink, otlp_receiver, eventually, make):
    """What is known is there after one export, under the stream's own resource."""
    sink = start_sink()
    sink.publish(make.full_snapshot())
    (row,) = await eventually(lambda: otlp_receiver.metric_points(RECORDS))
    assert row.resource["service.instance.id"] == "orders"
    assert row.resource["service.name"] == "streamgauge"
    assert row.resource["service.version"] == "1.2.3"
    assert row.attributes == {"stream": "orders", "topic": "orders.placed", "partition": 0}
    assert row.point.value == 3
    assert row.point.unit == "{record}"
    assert (row.point.temporality, row.point.monotonic) == ("CUMULATIVE", True)
    (lag,) = otlp_receiver.metric_points("kafka.consumer_group.lag")
    assert lag.attributes == {
        "stream": "orders",
        "topic": "orders.placed",
        "partition": 0,
        "group": "billing",
    }
    assert (lag.point.value, lag.point.unit, lag.point.monotonic) == (10, "1", False)
    (process, *_) = otlp_receiver.metric_points("streamgauge.otlp.exports")
    assert process.resource["service.instance.id"] != "orders"


async def test_ages_arrive_as_the_raw_ages(start_sink, otlp_receiver, eventually, make):
    """Count, sum and every bucket, recomputed from raw ages with OTLP's own bounds."""
    ages_ms = np.random.default_rng(11).lognormal(7, 2, 5000).astype(np.int64)
    sink = start_sink()
    sink.publish(make.snapshot(make.partition(0, ages_ms)))
    (row,) = await eventually(lambda: otlp_receiver.histograms(AGE))
    point = row.point
    assert row.attributes["stage"] == "arrival"
    assert (point.count, point.zero_count) == (5000, int((ages_ms == 0).sum()))
    assert point.sum == ages_ms.sum() / 1000
    assert (point.min, point.max) == (None, None)
    assert (point.scale, point.unit, point.temporality) == (3, "s", "CUMULATIVE")
    index = np.ceil(np.log2(ages_ms[ages_ms > 0] / 1000) * 8).astype(int) - 1
    counts = np.bincount(index - point.offset, minlength=len(point.counts))
    assert point.counts == tuple(counts)


async def test_second_snapshot_goes_on_from_the_same_start(
    start_sink, otlp_receiver, eventually, make
):
    """The start is the life's, the time moves on, the totals grow."""
    sink = start_sink()
    sink.publish(make.snapshot(make.partition(0, [5])))
    await eventually(lambda: otlp_receiver.histograms(AGE))
    later_ms = make.start_ms + 60_000
    sink.publish(make.snapshot(make.partition(0, [5, 800]), as_of_ms=later_ms))
    await eventually(lambda: len(otlp_receiver.histograms(AGE)) == 2)
    first, second = (row.point for row in otlp_receiver.histograms(AGE))
    assert first.start_ns == second.start_ns == make.start_ms * 1_000_000
    assert first.time_ns < second.time_ns == later_ms * 1_000_000
    assert (first.count, second.count) == (1, 2)
    starts = {row.point.start_ns for row in otlp_receiver.metric_points(RECORDS)}
    assert starts == {make.start_ms * 1_000_000}


async def test_export_without_new_data(start_sink, otlp_receiver, eventually, make):
    """No newer snapshot: nothing of the stream. A newer one without records: the same totals."""
    sink = start_sink()
    snapshot = make.snapshot(make.partition(0, [5]))
    sink.observe("orders", [make.record(0, 5)])
    sink.publish(snapshot)
    await eventually(lambda: otlp_receiver.histograms(AGE))
    await exports(otlp_receiver, eventually, 3)
    assert len(otlp_receiver.histograms(AGE)) == 1
    own = [row.point.value for row in otlp_receiver.metric_points("streamgauge.otlp.exports")]
    assert max(own) >= 3
    sink.publish(replace(snapshot, as_of_ms=snapshot.as_of_ms + 1000))
    await eventually(lambda: len(otlp_receiver.histograms(AGE)) == 2)
    first, second = (row.point for row in otlp_receiver.histograms(AGE))
    assert len(first.exemplars) == 1
    assert second == replace(first, time_ns=first.time_ns + 1_000_000_000, exemplars=())


async def test_exemplars_arrive_once(start_sink, otlp_receiver, eventually, make):
    """In order of time and value, with the writer's span, and never again."""
    sink = start_sink()
    records = [
        make.record(7, 700, received_ms=make.start_ms + 20),
        make.record(8, 8, received_ms=make.start_ms + 20),
        make.record(9, 90_000, received_ms=make.start_ms + 10),
    ]
    sink.observe("orders", records)
    for number in range(4):
        ages_ms = [700, 8, 90_000][: number + 1] if number < 3 else [700, 8, 90_000]
        as_of_ms = make.start_ms + 2000 + number
        sink.publish(make.snapshot(make.partition(0, ages_ms), as_of_ms=as_of_ms))
        await eventually(lambda count=number + 1: len(otlp_receiver.histograms(AGE)) == count)
    exemplars = [e for row in otlp_receiver.histograms(AGE) for e in row.point.exemplars]
    assert [e.attributes for e in exemplars] == [
        {"messaging.kafka.offset": offset} for offset in (9, 8, 7)
    ]
    assert [e.value for e in exemplars] == [90.0, 0.008, 0.7]
    assert [e.trace_id for e in exemplars] == [records[n].trace_id for n in (2, 1, 0)]
    assert {e.span_id for e in exemplars} == {records[0].span_id}
    assert [e.time_ns for e in exemplars] == [(make.start_ms + n) * 1_000_000 for n in (10, 20, 20)]


async def test_overflow_arrives_as_one_point(start_sink, otlp_receiver, eventually, make):
    """With more series than allowed the sum over the points is still every record."""
    sink = start_sink(series_max=2)
    snapshot = make.snapshot(*(make.partition(p, [100] * (p + 1)) for p in range(6)))
    sink.publish(snapshot)
    await eventually(lambda: otlp_receiver.metric_points(RECORDS))
    by_attributes = latest(otlp_receiver.metric_points(RECORDS))
    overflow = (("otel.metric.overflow", True), ("stream", "orders"))
    assert len(by_attributes) == 3
    assert by_attributes[overflow].value == 3 + 4 + 5 + 6
    assert sum(point.value for point in by_attributes.values()) == snapshot.totals.records
    ages = latest(otlp_receiver.histograms(AGE))
    assert sum(point.count for point in ages.values()) == snapshot.totals.records
    assert len(otlp_receiver.metric_points("kafka.partition.current_offset")) == 2
    metrics, _ = sink.health()
    assert metrics.dropped > 0
    (dropped, *_) = await eventually(
        lambda: otlp_receiver.metric_points("streamgauge.otlp.dropped")
    )
    assert dropped.attributes == {"signal": "metrics", "reason": "series_max"}


async def test_large_stream_with_long_names_arrives(start_sink, otlp_receiver, eventually, make):
    """More than the 4 MiB that a collector takes in one gRPC request is sent in several."""
    topic = "t" * 249
    one = make.partition(0, range(1, 2000), topic=topic)
    sink = start_sink()
    sink.publish(make.snapshot(*(replace(one, partition=p) for p in range(1200))))
    await eventually(lambda: len(otlp_receiver.histograms(AGE)) == 1200)
    metrics, _ = await eventually(lambda: sink.health()[0].delivered and sink.health())
    assert metrics.failed == 0
    assert otlp_receiver.calls > 12_000 / 1000
    assert len(latest(otlp_receiver.metric_points(RECORDS))) == 1200


async def test_a_preference_for_deltas_is_not_followed(
    start_sink, otlp_receiver, eventually, monkeypatch, make
):
    """Streams and process stay cumulative, and the operator is told."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    sink = start_sink()
    sink.publish(make.full_snapshot())
    rows = await eventually(lambda: otlp_receiver.metric_points(RECORDS))
    own = await eventually(lambda: otlp_receiver.metric_points("streamgauge.otlp.exports"))
    assert {row.point.temporality for row in (*rows, *own)} == {"CUMULATIVE"}
    assert len(sink.facts) == 1


async def test_last_snapshot_goes_out_at_the_end(start_sink, otlp_receiver, make):
    """What was published just before the end is told, and so are the last spans."""
    sink = start_sink()
    sink.publish(make.snapshot(make.partition(0, [5])))
    sink.emit_spans("orders", [make.record()])
    assert await sink.shutdown(10)
    assert len(otlp_receiver.histograms(AGE)) == 1
    assert len(otlp_receiver.spans()) == 1


async def test_disabled_sdk_sends_nothing(start_sink, otlp_receiver, monkeypatch, make):
    """OTEL_SDK_DISABLED is honoured, and told."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    sink = start_sink()
    sink.publish(make.full_snapshot())
    sink.observe("orders", [make.record()])
    assert sink.reserve_spans(1, now_ms=0, dead_letter=False) == 0
    sink.emit_spans("orders", [make.record()])
    await asyncio.sleep(0.2)
    assert await sink.shutdown(5)
    assert otlp_receiver.calls == 0
    assert sink.health() == ()
    assert sink.facts == ("OTEL_SDK_DISABLED is true: nothing goes out by OTLP",)


async def test_one_signal_alone(start_sink, otlp_receiver, eventually, monkeypatch, make):
    """OTEL_TRACES_EXPORTER=none leaves metrics as they are."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    sink = start_sink()
    sink.publish(make.full_snapshot())
    sink.emit_spans("orders", [make.record()])
    await eventually(lambda: otlp_receiver.metric_points(RECORDS))
    assert [health.name for health in sink.health()] == ["otlp_metrics"]
    assert await sink.shutdown(5)
    assert otlp_receiver.spans() == []
