"""Points: what the OTLP encoder of the SDK makes of readings, compared with raw ages."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from streamgauge.otlp.points import to_metrics
from streamgauge.otlp.readings import arrival_series, readings

SERIES = arrival_series("orders", "orders.placed", 0)


def encoded(snapshot, exemplars=None):
    """The metrics on the wire, by name."""
    metrics = to_metrics(
        readings(snapshot),
        start_ms=snapshot.life_start_ms,
        time_ms=snapshot.as_of_ms,
        exemplars=exemplars or {},
    )
    scope = ScopeMetrics(InstrumentationScope("test"), metrics, "")
    request = encode_metrics(MetricsData([ResourceMetrics(Resource({}), [scope], "")]))
    (scope_metrics,) = request.resource_metrics[0].scope_metrics
    assert len({metric.name for metric in scope_metrics.metrics}) == len(scope_metrics.metrics)
    return {metric.name: metric for metric in scope_metrics.metrics}


def age_point(make, ages_ms, exemplars=None):
    """The arrival age point of a partition with these ages."""
    snapshot = make.snapshot(make.partition(0, ages_ms))
    metric = encoded(snapshot, exemplars)["streamgauge.event.age"]
    (point,) = metric.exponential_histogram.data_points
    return point


def test_histogram_on_the_wire_is_that_of_the_raw_ages(make):
    """Count, sum, zero count and each bucket by OTLP's own bounds base**(offset + i)."""
    rng = np.random.default_rng(7)
    ages_ms = np.concatenate([rng.lognormal(6, 3, 20_000).astype(np.int64), np.zeros(3, np.int64)])
    ages_ms = np.minimum(ages_ms, 2**18 * 1000)
    point = age_point(make, ages_ms)
    assert point.count == len(ages_ms)
    assert point.sum == ages_ms.sum() / 1000
    assert point.scale == 3
    assert point.zero_count == int((ages_ms == 0).sum())
    counts = np.array(point.positive.bucket_counts)
    bounds = 2.0 ** ((point.positive.offset + np.arange(len(counts) + 1)) / 8)
    seconds = ages_ms[ages_ms > 0] / 1000
    assert counts.tolist() == [
        int(((seconds > low) & (seconds <= high)).sum()) for low, high in pairwise(bounds)
    ]
    assert counts[0]
    assert counts[-1]
    assert counts.sum() + point.zero_count == point.count


def test_minimum_and_maximum_are_unset(make):
    """Totals do not know them, and 0 would be a lie."""
    point = age_point(make, [100, 200])
    assert not point.HasField("min")
    assert not point.HasField("max")
    assert point.HasField("sum")


def test_ages_above_the_layout_go_to_the_index_after_the_last(make):
    """The bucket above the layout is index 144; the sum stays exact."""
    point = age_point(make, [2**18 * 1000, 2**18 * 1000 + 1, 2**25 * 1000])
    assert point.positive.offset == 143
    assert list(point.positive.bucket_counts) == [1, 2]
    assert point.sum == (2 * 2**18 * 1000 + 1 + 2**25 * 1000) / 1000


@pytest.mark.parametrize("ages_ms", [[], [0, 0]])
def test_histogram_without_positive_ages(make, ages_ms):
    """Nothing, or zeros only, is a valid point without positive buckets."""
    point = age_point(make, ages_ms)
    assert point.count == point.zero_count == len(ages_ms)
    assert not point.HasField("positive")
    assert point.sum == 0


def test_kinds_units_and_times(make):
    """Sums are monotonic and cumulative from the life's start, gauges are gauges."""
    snapshot = make.full_snapshot()
    metrics = encoded(snapshot)
    records = metrics["streamgauge.records"]
    assert records.unit == "{record}"
    assert records.sum.is_monotonic
    assert records.sum.aggregation_temporality == 2
    (point,) = records.sum.data_points
    assert point.as_int == 3
    assert point.start_time_unix_nano == make.start_ms * 1_000_000
    assert point.time_unix_nano == snapshot.as_of_ms * 1_000_000
    ages = metrics["streamgauge.event.age"]
    assert ages.unit == "s"
    assert ages.exponential_histogram.aggregation_temporality == 2
    for age in ages.exponential_histogram.data_points:
        assert age.start_time_unix_nano == make.start_ms * 1_000_000
        assert age.time_unix_nano == snapshot.as_of_ms * 1_000_000
    lag = metrics["kafka.consumer_group.lag"]
    assert lag.unit == "1"
    assert lag.gauge.data_points[0].as_int == 10
    assert metrics["streamgauge.consumer_group.time_lag"].gauge.data_points[0].as_double == 2.5


def test_partition_is_an_integer_and_topic_a_string(make):
    """As the collector's kafka_metrics receiver has them."""
    lag = encoded(make.full_snapshot())["kafka.consumer_group.lag"]
    attributes = {pair.key: pair.value for pair in lag.gauge.data_points[0].attributes}
    assert attributes["partition"].WhichOneof("value") == "int_value"
    assert attributes["topic"].string_value == "orders.placed"
    assert attributes["stream"].string_value == "orders"


def test_time_is_never_before_the_start(make):
    """A life that another host's faster clock started is not told with time running backward."""
    snapshot = make.snapshot(make.partition(0, [5]), as_of_ms=make.start_ms - 10)
    (point,) = encoded(snapshot)["streamgauge.records"].sum.data_points
    assert point.time_unix_nano == point.start_time_unix_nano == make.start_ms * 1_000_000


def test_exemplar_on_the_wire(make):
    """The writer's span, the receipt time, the age in seconds, and the offset alone."""
    record = make.record(offset=2_451_200, age_ms=1500)
    (exemplar,) = age_point(make, [1500], {SERIES: [record]}).exemplars
    assert exemplar.trace_id.hex() == record.trace_id
    assert exemplar.span_id.hex() == record.span_id
    assert exemplar.time_unix_nano == record.received_ms * 1_000_000
    assert exemplar.as_double == 1.5
    (attribute,) = exemplar.filtered_attributes
    assert (attribute.key, attribute.value.int_value) == ("messaging.kafka.offset", 2_451_200)


def test_exemplar_fits_the_limit_of_prometheus(make):
    """All label names and values together stay below 128 characters, even at the last offset."""
    (exemplar,) = age_point(
        make, [1], {SERIES: [make.record(2**63 - 1, trace_id="a" * 32)]}
    ).exemplars
    labels = {"trace_id": exemplar.trace_id.hex(), "span_id": exemplar.span_id.hex()}
    labels |= {pair.key: str(pair.value.int_value) for pair in exemplar.filtered_attributes}
    assert sum(len(name) + len(value) for name, value in labels.items()) <= 128


def test_record_without_an_age_is_no_exemplar(make):
    """It would stand for a bucket it is not in."""
    with pytest.raises(ValueError, match=r"orders.placed-0@9 has no age"):
        age_point(make, [1], {SERIES: [make.record(9, age_ms=None)]})
