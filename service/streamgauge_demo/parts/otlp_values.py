"""OTLP requests as plain values: one flat row for each metric point and each span.

Names and meanings are those of opentelemetry-proto, `metrics.proto` and `trace.proto`; times are
nanoseconds since the epoch, ids are hexadecimal text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.metrics.v1 import metrics_pb2

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One exemplar of a point; the ids are empty without a trace."""

    value: float
    time_ns: int
    trace_id: str
    span_id: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class NumberPoint:
    """One point of a sum, or of a gauge, whose temporality is `UNSPECIFIED`."""

    value: float
    unit: str
    temporality: str
    monotonic: bool
    start_ns: int
    time_ns: int
    exemplars: tuple[Exemplar, ...]


@dataclass(frozen=True, slots=True)
class HistogramPoint:
    """One point of an exponential histogram, or, with `scale` None, of one with explicit bounds.

    Bucket `i` of `counts` is that of index `offset + i`, or ends at `bounds[i]`.
    """

    count: int
    sum: float
    min: float | None
    max: float | None
    counts: tuple[int, ...]
    scale: int | None
    offset: int
    zero_count: int
    bounds: tuple[float, ...]
    unit: str
    temporality: str
    start_ns: int
    time_ns: int
    exemplars: tuple[Exemplar, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link from a span to another one."""

    trace_id: str
    span_id: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """One span; `kind` and `status` as the protocol names them, such as `CONSUMER`, `ERROR`."""

    resource: Attributes
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_span_id: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    links: tuple[Link, ...]
    status: str
    status_message: str


Point = TypeVar("Point", NumberPoint, HistogramPoint)


class Row(NamedTuple, Generic[Point]):
    """A point with the attributes of its resource and its own."""

    resource: Attributes
    attributes: Attributes
    point: Point


def number_rows(request: ExportMetricsServiceRequest, name: str) -> Iterator[Row[NumberPoint]]:
    """Give the points of the gauges and sums called `name`."""
    for resource, metric in _metrics(request, name):
        sum_ = metric.sum  # an empty message if the metric is a gauge
        for point in (*metric.gauge.data_points, *sum_.data_points):
            is_integer = point.WhichOneof("value") == "as_int"
            yield Row(
                resource,
                _attributes(point.attributes),
                NumberPoint(
                    value=point.as_int if is_integer else point.as_double,
                    unit=metric.unit,
                    temporality=_temporality(sum_.aggregation_temporality),
                    monotonic=sum_.is_monotonic,
                    start_ns=point.start_time_unix_nano,
                    time_ns=point.time_unix_nano,
                    exemplars=_exemplars(point.exemplars),
                ),
            )


def histogram_rows(
    request: ExportMetricsServiceRequest, name: str
) -> Iterator[Row[HistogramPoint]]:
    """Give the points of the histograms called `name`, of either kind."""
    for resource, metric in _metrics(request, name):
        for point in metric.exponential_histogram.data_points:
            yield Row(
                resource,
                _attributes(point.attributes),
                HistogramPoint(
                    **_common(metric, metric.exponential_histogram.aggregation_temporality, point),
                    counts=tuple(point.positive.bucket_counts),
                    scale=point.scale,
                    offset=point.positive.offset,
                    zero_count=point.zero_count,
                    bounds=(),
                ),
            )
        for explicit in metric.histogram.data_points:
            yield Row(
                resource,
                _attributes(explicit.attributes),
                HistogramPoint(
                    **_common(metric, metric.histogram.aggregation_temporality, explicit),
                    counts=tuple(explicit.bucket_counts),
                    scale=None,
                    offset=0,
                    zero_count=0,
                    bounds=tuple(explicit.explicit_bounds),
                ),
            )


def metric_names(request: ExportMetricsServiceRequest) -> Iterator[str]:
    """Give the name of every metric that has come, in order."""
    for group in request.resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                yield metric.name


def spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """Give the spans in the order of the request."""
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    resource=resource,
                    name=span.name,
                    kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_span_id=span.parent_span_id.hex(),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    links=tuple(
                        Link(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
                        for link in span.links
                    ),
                    status=Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
                    status_message=span.status.message,
                )


def _metrics(
    request: ExportMetricsServiceRequest, name: str
) -> Iterator[tuple[Attributes, metrics_pb2.Metric]]:
    for group in request.resource_metrics:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                if metric.name == name:
                    yield resource, metric


def _common(
    metric: metrics_pb2.Metric,
    temporality: AggregationTemporality.ValueType,
    point: metrics_pb2.ExponentialHistogramDataPoint | metrics_pb2.HistogramDataPoint,
) -> dict[str, Any]:
    """Give the fields that both kinds of histogram have under the same names."""
    return {
        "count": point.count,
        "sum": point.sum,
        "min": point.min if point.HasField("min") else None,
        "max": point.max if point.HasField("max") else None,
        "unit": metric.unit,
        "temporality": _temporality(temporality),
        "start_ns": point.start_time_unix_nano,
        "time_ns": point.time_unix_nano,
        "exemplars": _exemplars(point.exemplars),
    }


def _temporality(temporality: AggregationTemporality.ValueType) -> str:
    name: str = AggregationTemporality.Name(temporality)
    return name.removeprefix("AGGREGATION_TEMPORALITY_")


def _exemplars(exemplars: Iterable[metrics_pb2.Exemplar]) -> tuple[Exemplar, ...]:
    return tuple(
        Exemplar(
            value=found.as_int if found.WhichOneof("value") == "as_int" else found.as_double,
            time_ns=found.time_unix_nano,
            trace_id=found.trace_id.hex(),
            span_id=found.span_id.hex(),
            attributes=_attributes(found.filtered_attributes),
        )
        for found in exemplars
    )


def _attributes(attributes: Iterable[KeyValue]) -> Attributes:
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def _value(value: AnyValue) -> Any:  # noqa: ANN401 - any attribute value
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case field:
            return getattr(value, field)
