"""Readings as metric points of the OpenTelemetry SDK, ready for its OTLP encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Metric,
    NumberDataPoint,
    Sum,
)

from streamgauge.core.histogram import FIRST_INDEX, SCALE, UNDER, Histogram
from streamgauge.otlp.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamgauge.core.traced import TracedRecord
    from streamgauge.otlp.names import MetricDescriptor
    from streamgauge.otlp.readings import Attributes, Reading

NANOS_PER_MS: Final = 1_000_000
_NONE: Final = Buckets(0, [])


def to_metrics(
    found: Iterable[Reading],
    *,
    start_ms: int,
    time_ms: int,
    exemplars: Mapping[Attributes, Sequence[TracedRecord]],
) -> list[Metric]:
    """One `Metric` for each metric that has a reading.

    Args:
        found: The readings of one stream.
        start_ms: Start of the stream's life; the same as long as the life lasts.
        time_ms: When the values were true, not before `start_ms`.
        exemplars: By the attributes of the histogram's series.
    """
    start, time = start_ms * NANOS_PER_MS, max(time_ms, start_ms) * NANOS_PER_MS
    numbers: dict[MetricDescriptor, list[NumberDataPoint]] = {}
    histograms: dict[MetricDescriptor, list[ExponentialHistogramDataPoint]] = {}
    for reading in found:
        attributes, value = reading.attributes, reading.value
        if isinstance(value, Histogram):
            point = _histogram_point(attributes, value, start, time, exemplars.get(attributes, ()))
            histograms.setdefault(reading.descriptor, []).append(point)
        else:
            number = NumberDataPoint(dict(attributes), start, time, value)
            numbers.setdefault(reading.descriptor, []).append(number)
    return [
        *(_numbers(descriptor, points) for descriptor, points in numbers.items()),
        *(_histograms(descriptor, points) for descriptor, points in histograms.items()),
    ]


def _numbers(descriptor: MetricDescriptor, points: list[NumberDataPoint]) -> Metric:
    data: Sum | Gauge = Gauge(points)
    if descriptor.kind is Kind.SUM:
        data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return Metric(descriptor.name, descriptor.description, descriptor.unit, data)


def _histograms(
    descriptor: MetricDescriptor, points: list[ExponentialHistogramDataPoint]
) -> Metric:
    data = ExponentialHistogram(points, AggregationTemporality.CUMULATIVE)
    return Metric(descriptor.name, descriptor.description, descriptor.unit, data)


def _histogram_point(
    attributes: Attributes,
    ages: Histogram,
    start: int,
    time: int,
    exemplars: Sequence[TracedRecord],
) -> ExponentialHistogramDataPoint:
    """The wire form of a histogram; its layout is OTLP's own, so nothing is computed anew.

    Position UNDER is the zero bucket. The bucket above the layout goes to the index after the last
    regular one, so ages there look smaller than they are; the sum is exact.
    """
    zero_count = int(ages.counts[UNDER])
    regular = ages.counts[UNDER + 1 :]
    filled = np.flatnonzero(regular)
    positive = _NONE
    if len(filled):
        first, last = int(filled[0]), int(filled[-1])
        positive = Buckets(FIRST_INDEX + first, regular[first : last + 1].tolist())
    return ExponentialHistogramDataPoint(
        attributes=dict(attributes),
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=ages.count,
        sum=ages.sum_ms / 1000,
        scale=SCALE,
        zero_count=zero_count,
        positive=positive,
        negative=_NONE,
        flags=0,
        min=None,  # type: ignore[arg-type]  # totals do not know it; the encoder leaves None unset
        max=None,  # type: ignore[arg-type]  # as above
        exemplars=[to_exemplar(record) for record in exemplars],
    )


def to_exemplar(record: TracedRecord) -> Exemplar:
    """The exemplar of a record that was aged.

    Its one attribute keeps it below Prometheus' limit of 128 characters for all label names and
    values of an exemplar.
    """
    if record.age_ms is None:
        raise ValueError(f"{record.topic}-{record.partition}@{record.offset} has no age")
    return Exemplar(
        filtered_attributes={"messaging.kafka.offset": record.offset},
        value=record.age_ms / 1000,
        time_unix_nano=record.received_ms * NANOS_PER_MS,
        span_id=int(record.span_id, 16),
        trace_id=int(record.trace_id, 16),
    )
