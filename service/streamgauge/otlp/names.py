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
ERROR_TYPE: Final = "error.type"
OTHER: Final = "_OTHER"
"""Value of `error.type` where there is none of its own, as the semantic conventions have it."""
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
    "Age of the first record that the group has still to read, at most; 0 if there is none.",
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
GROUP_UNAGED = MetricDescriptor(
    "streamgauge.consumer_group.unaged",
    Kind.SUM,
    "{record}",
    _GROUP_PARTITION,
    "Records that the group passed without an age: nobody watched, or no event time.",
)
GROUP_REPROCESSED = MetricDescriptor(
    "streamgauge.consumer_group.reprocessed",
    Kind.SUM,
    "{record}",
    _GROUP_PARTITION,
    "Records that the group passed again after a rewind.",
)
GROUP_LOST = MetricDescriptor(
    "streamgauge.consumer_group.lost",
    Kind.GAUGE,
    "{record}",
    _GROUP,
    "Records that retention deleted before the group passed them, since the process began.",
)
GROUP_LAG_SLOPE = MetricDescriptor(
    "streamgauge.consumer_group.lag_slope",
    Kind.GAUGE,
    "{record}/s",
    _GROUP,
    "How fast the lag grows: least squares over a look-back, 0 within its dead band.",
)
GROUP_TIME_LAG_SLOPE = MetricDescriptor(
    "streamgauge.consumer_group.time_lag_slope",
    Kind.GAUGE,
    "1",
    _GROUP,
    "How fast the time lag grows, in seconds per second.",
)
GROUP_DRAIN = MetricDescriptor(
    "streamgauge.consumer_group.drain",
    Kind.GAUGE,
    "s",
    _GROUP,
    "Until nothing is left to read at this rate; absent unless the lag shrinks.",
)
GROUP_BREACH = MetricDescriptor(
    "streamgauge.consumer_group.breach",
    Kind.GAUGE,
    "s",
    _GROUP,
    "Until the nearest limit of a lag is reached at this rate; absent unless one grows.",
)
GROUP_RETENTION = MetricDescriptor(
    "streamgauge.consumer_group.retention",
    Kind.GAUGE,
    "s",
    _GROUP,
    "Until retention deletes what is not read yet; absent unless the time lag grows.",
)
GROUP_IN = MetricDescriptor(
    "streamgauge.consumer_group.records_in",
    Kind.GAUGE,
    "{record}/s",
    _GROUP,
    "Records that came, the mean of the last minute.",
)
GROUP_OUT = MetricDescriptor(
    "streamgauge.consumer_group.records_out",
    Kind.GAUGE,
    "{record}/s",
    _GROUP,
    "Records that the group passed, the mean of the last minute.",
)
GROUP_PROCESSING = MetricDescriptor(
    "streamgauge.consumer_group.processing_time",
    Kind.GAUGE,
    "s",
    _GROUP,
    "From arrival to commit, the mean of the records that the group passed in the last minute.",
)
EVENT_AGE = MetricDescriptor(
    "streamgauge.event.age",
    Kind.HISTOGRAM,
    "s",
    ("stage", *_PARTITION, "group"),
    "Age of events. stage=arrival: append time less event time; stage=processed: time of the "
    "group's commit less event time, with the group; stage=death: arrival of the dead letter less "
    "event time, by dead letter topic.",
)
AGE_RESOLUTION = MetricDescriptor(
    "streamgauge.age.resolution",
    Kind.GAUGE,
    "s",
    (),
    "How much too large an arrival age of a CreateTime topic may be: the fetch wait.",
)
PROCESSED_RESOLUTION = MetricDescriptor(
    "streamgauge.processed_age.resolution",
    Kind.GAUGE,
    "s",
    (),
    "How much too large a processed age may be: committed offsets are asked for this often.",
)
PROCESSED_ERROR = MetricDescriptor(
    "streamgauge.processed_age.error",
    Kind.GAUGE,
    "s",
    (),
    "No processed age was wrong by more than this because its event time is known coarsely.",
)
LEDGER_RECORDS = MetricDescriptor(
    "streamgauge.ledger.records",
    Kind.GAUGE,
    "{record}",
    (),
    "Records whose event time is remembered, for processed ages.",
)
LEDGER_DROPPED = MetricDescriptor(
    "streamgauge.ledger.dropped",
    Kind.GAUGE,
    "{record}",
    (),
    "Records that a limit has dropped from it; a group that passes them later has them unaged.",
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
    "Dead letters of the stream; topic is the dead letter topic.",
)
DEAD_LETTERS_BY_CAUSE = MetricDescriptor(
    "streamgauge.dead_letters.by_cause",
    Kind.SUM,
    "{record}",
    ("topic", ERROR_TYPE, "group"),
    "The same by error class, and by consumer group where that is known; error.type=_OTHER: of "
    "causes that have no name or no place of their own.",
)
DEAD_LETTERS_RETRYING = MetricDescriptor(
    "streamgauge.dead_letters.retrying",
    Kind.SUM,
    "{record}",
    _PARTITION,
    "Records of dead letter topics that are being tried again, and not dead.",
)
DEAD_LETTERS_APPEND_TO_DEATH = MetricDescriptor(
    "streamgauge.dead_letters.append_to_death",
    Kind.HISTOGRAM,
    "s",
    _PARTITION,
    "From the append of the original record to the arrival of the dead letter.",
)
FIRST_SIGHTINGS_ASKED = MetricDescriptor(
    "streamgauge.first_sighting.asked",
    Kind.GAUGE,
    "{record}",
    (),
    "Records and dead letters that were looked for by trace id, since the process began.",
)
FIRST_SIGHTINGS_ANSWERED = MetricDescriptor(
    "streamgauge.first_sighting.answered",
    Kind.GAUGE,
    "{record}",
    (),
    "Of these, those whose trace id had been seen on the stream.",
)
FIRST_SIGHTINGS_EVICTED = MetricDescriptor(
    "streamgauge.first_sighting.evicted",
    Kind.GAUGE,
    "{trace}",
    (),
    "Trace ids that others have pushed out of the table, since the process began.",
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
    GROUP_UNAGED,
    GROUP_REPROCESSED,
    GROUP_LOST,
    GROUP_LAG_SLOPE,
    GROUP_TIME_LAG_SLOPE,
    GROUP_DRAIN,
    GROUP_BREACH,
    GROUP_RETENTION,
    GROUP_IN,
    GROUP_OUT,
    GROUP_PROCESSING,
    EVENT_AGE,
    AGE_RESOLUTION,
    PROCESSED_RESOLUTION,
    PROCESSED_ERROR,
    LEDGER_RECORDS,
    LEDGER_DROPPED,
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
    DEAD_LETTERS_BY_CAUSE,
    DEAD_LETTERS_RETRYING,
    DEAD_LETTERS_APPEND_TO_DEATH,
    FIRST_SIGHTINGS_ASKED,
    FIRST_SIGHTINGS_ANSWERED,
    FIRST_SIGHTINGS_EVICTED,
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
