"""Every metric that leaves by OTLP, once: its name, unit, kind, attributes and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from streamgauge.model import GroupStatus, Level

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a point of the metric is, in the words of OTLP."""

    GAUGE = "gauge"
    SUM = "sum"
    """Monotonic, cumulative from the start of the stream's life."""
    HISTOGRAM = "exponential histogram"
    """Cumulative from the start of the stream's life, scale 3."""


@dataclass(frozen=True, slots=True)
class MetricDescriptor:
    """One row of the table; points and documentation are made from it."""

    name: str
    kind: Kind
    unit: str
    """UCUM; an annotation in braces where things are counted."""
    attributes: tuple[str, ...]
    """Keys of a point's attributes. Points of streams also carry `stream`."""
    description: str


STANDINGS: Final[Mapping[Level, int]] = {
    Level.PASS: 0,
    Level.WARN: 1,
    Level.FAIL: 2,
    Level.UNKNOWN: -1,
}
"""Values of `streamgauge.check.standing`."""

STATUSES: Final[Mapping[GroupStatus, int]] = {
    GroupStatus.OK: 0,
    GroupStatus.LAGGING: 1,
    GroupStatus.STALLED: 2,
    GroupStatus.STOPPED: 3,
    GroupStatus.REWOUND: 4,
    GroupStatus.EMPTY: 5,
    GroupStatus.UNKNOWN: -1,
}
"""Values of `streamgauge.consumer_group.status`."""

STREAM: Final = "stream"
OVERFLOW: Final = "otel.metric.overflow"
"""Attribute of the point that holds what `series_max` left without a point of its own."""

_PARTITION: Final = ("topic", "partition")
_GROUP: Final = ("topic", "group")
_GROUP_PARTITION: Final = ("topic", "partition", "group")


def _codes(codes: Mapping[Level, int] | Mapping[GroupStatus, int]) -> str:
    return ", ".join(f"{code} {name}" for name, code in codes.items())


GROUP_OFFSET = MetricDescriptor(
    "kafka.consumer_group.offset",
    Kind.GAUGE,
    "1",
    _GROUP_PARTITION,
    "Committed offset.",
)
CURRENT_OFFSET = MetricDescriptor(
    "kafka.partition.current_offset",
    Kind.GAUGE,
    "1",
    _PARTITION,
    "End offset: high watermark, or last stable offset where the stream is read_committed.",
)
GROUP_LAG = MetricDescriptor(
    "kafka.consumer_group.lag",
    Kind.GAUGE,
    "1",
    _GROUP_PARTITION,
    "Records between committed and end offset that can still be read: at most this many.",
)
GROUP_LAG_SUM = MetricDescriptor(
    "kafka.consumer_group.lag_sum",
    Kind.GAUGE,
    "1",
    _GROUP,
    "Sum of the lag over the partitions, where it is known of all of them.",
)
GROUP_TIME_LAG = MetricDescriptor(
    "streamgauge.consumer_group.time_lag",
    Kind.GAUGE,
    "s",
    _GROUP_PARTITION,
    "Now less the event time of the first record not yet committed: at least this long.",
)
GROUP_STATUS = MetricDescriptor(
    "streamgauge.consumer_group.status",
    Kind.GAUGE,
    "{status}",
    _GROUP,
    f"What the group is doing: {_codes(STATUSES)}.",
)
GROUP_COMMITTED = MetricDescriptor(
    "streamgauge.consumer_group.committed",
    Kind.SUM,
    "{offset}",
    _GROUP_PARTITION,
    "Offsets that the group's commits moved forward; a rewind takes nothing away.",
)
EVENT_AGE = MetricDescriptor(
    "streamgauge.event.age",
    Kind.HISTOGRAM,
    "s",
    ("stage", *_PARTITION, "group"),
    "Age of events. stage=arrival: append time less event time; stage=processed: time of the "
    "group's commit less event time, with the group.",
)
AGE_RESOLUTION = MetricDescriptor(
    "streamgauge.age.resolution",
    Kind.GAUGE,
    "s",
    (),
    "How much too large an arrival age of a CreateTime topic may be: the fetch wait.",
)
RECORDS = MetricDescriptor(
    "streamgauge.records",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records of the stream's topic.",
)
RECORDS_SIZE = MetricDescriptor(
    "streamgauge.records.size",
    Kind.SUM,
    "By",
    _PARTITION,
    "Bytes of their keys, values and headers, uncompressed.",
)
RECORDS_UNAGED = MetricDescriptor(
    "streamgauge.records.unaged",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records whose arrival age is unknown: no append time and not live, or no event time.",
)
RECORDS_NEGATIVE_AGE = MetricDescriptor(
    "streamgauge.records.negative_age",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records appended before their event time (clock skew); they enter the ages as 0.",
)
RECORDS_TRACED = MetricDescriptor(
    "streamgauge.records.traced",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records with a valid trace context.",
)
RECORDS_SAMPLED = MetricDescriptor(
    "streamgauge.records.sampled",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records whose trace context says sampled, a part of the traced ones.",
)
EVENT_TIME_RECORDS = MetricDescriptor(
    "streamgauge.event_time.records",
    Kind.SUM,
    "{record}",
    (*_PARTITION, "source"),
    "Records by the source that answered for their event time; source=none: no source did.",
)
EVENT_TIME_UNREADABLE = MetricDescriptor(
    "streamgauge.event_time.unreadable",
    Kind.SUM,
    "{value}",
    (*_PARTITION, "source"),
    "Values that were there and could not be read as a time.",
)
TRACE_CONTEXT_REJECTED = MetricDescriptor(
    "streamgauge.trace_context.rejected",
    Kind.SUM,
    "{header}",
    (*_PARTITION, "reason"),
    "Trace headers that were refused.",
)
DEAD_LETTERS = MetricDescriptor(
    "streamgauge.dead_letters",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records of the dead letter topics; topic is the dead letter topic.",
)
OFFSETS_UNDECODABLE = MetricDescriptor(
    "streamgauge.offsets.undecodable",
    Kind.SUM,
    "{offset}",
    _PARTITION,
    "Offsets whose records could not be decoded.",
)
OFFSETS_LOST = MetricDescriptor(
    "streamgauge.offsets.lost",
    Kind.SUM,
    "{offset}",
    _PARTITION,
    "Offsets that retention deleted before the gauge had read them.",
)
STATE_RATE = MetricDescriptor(
    "streamgauge.state.rate",
    Kind.GAUGE,
    "By/s",
    (),
    "Bytes per second that the gauge stores in Kafka to keep what it counts, over the last minute.",
)
STATE_SIZE = MetricDescriptor(
    "streamgauge.state.size",
    Kind.GAUGE,
    "{character}",
    (),
    "UTF-16 units of the largest partition's state; Kafka takes 4,096.",
)
STATE_LEFT_OUT = MetricDescriptor(
    "streamgauge.state.left_out",
    Kind.GAUGE,
    "{thing}",
    ("kind",),
    "What the limits of a state have no place for, so that a restart forgets it.",
)
CHECK_STANDING = MetricDescriptor(
    "streamgauge.check.standing",
    Kind.GAUGE,
    "{standing}",
    ("check", "asset"),
    f"What a check says: {_codes(STANDINGS)}. asset is the asset key, joined by slashes.",
)
COMPLETENESS = MetricDescriptor(
    "streamgauge.completeness",
    Kind.GAUGE,
    "1",
    (),
    "Share of the stream's partitions whose state is at most 30 s old.",
)
BLIND = MetricDescriptor(
    "streamgauge.blind",
    Kind.GAUGE,
    "{thing}",
    (),
    "Things the gauge cannot vouch for at the moment.",
)

STREAM_METRICS: Final = (
    GROUP_OFFSET,
    CURRENT_OFFSET,
    GROUP_LAG,
    GROUP_LAG_SUM,
    GROUP_TIME_LAG,
    GROUP_STATUS,
    GROUP_COMMITTED,
    EVENT_AGE,
    AGE_RESOLUTION,
    RECORDS,
    RECORDS_SIZE,
    RECORDS_UNAGED,
    RECORDS_NEGATIVE_AGE,
    RECORDS_TRACED,
    RECORDS_SAMPLED,
    EVENT_TIME_RECORDS,
    EVENT_TIME_UNREADABLE,
    TRACE_CONTEXT_REJECTED,
    DEAD_LETTERS,
    OFFSETS_UNDECODABLE,
    OFFSETS_LOST,
    STATE_RATE,
    STATE_SIZE,
    STATE_LEFT_OUT,
    CHECK_STANDING,
    COMPLETENESS,
    BLIND,
)
"""Told of a stream, under a resource whose `service.instance.id` is the stream's name."""

EXPORTS = MetricDescriptor(
    "streamgauge.otlp.exports",
    Kind.SUM,
    "{export}",
    ("signal", "outcome"),
    "Exports of metrics and of traces, by outcome: delivered or failed.",
)
DROPPED = MetricDescriptor(
    "streamgauge.otlp.dropped",
    Kind.SUM,
    "{item}",
    ("signal", "reason"),
    "What a limit left out: points, exemplars and spans, never counts of records.",
)

PROCESS_METRICS: Final = (EXPORTS, DROPPED)
"""Told of the process, under its own resource, cumulative from its start."""
