"""What a snapshot says of a stream, as values by metric and attributes; the unknown is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from streamgauge.model import LagBound
from streamgauge.otlp import names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from streamgauge.core.histogram import Histogram
    from streamgauge.core.snapshot import GroupView, PartitionView, Snapshot
    from streamgauge.otlp.names import MetricDescriptor

Attributes: TypeAlias = tuple[tuple[str, str | int | bool], ...]
"""Keys and values of a point; the identity of its series."""

ARRIVAL = "arrival"
PROCESSED = "processed"
DEATH = "death"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value: a number, or a histogram for `Kind.HISTOGRAM`."""

    descriptor: MetricDescriptor
    attributes: Attributes
    value: int | float | Histogram


def readings(snapshot: Snapshot) -> Iterator[Reading]:
    """Everything the snapshot knows, in a stable order.

    A value that is unknown gives no reading at all, never 0.
    """
    for partition in snapshot.partitions:
        yield from _partition(snapshot.stream, partition, snapshot.groups_without_ages)
    for partition in snapshot.dead_letter_partitions:
        yield from _dead_letter_partition(snapshot.stream, partition)
    for group, view in sorted(snapshot.groups.items()):
        yield from _group(snapshot, group, view)
    yield from _whole(snapshot)


def reading(
    descriptor: MetricDescriptor,
    stream: str,
    *values: str | int | None,
    value: float | Histogram,
) -> Reading:
    """One value, with these values of its attributes in the table's order; None: it has none."""
    return Reading(descriptor, _attributes(descriptor, stream, *values), value)


def _known(
    rows: Iterable[tuple[MetricDescriptor, float | None]], stream: str, *values: str | int | None
) -> Iterator[Reading]:
    """One reading for each value that is known, all with the same attributes."""
    for descriptor, value in rows:
        if value is not None:
            yield reading(descriptor, stream, *values, value=value)


def _attributes(descriptor: MetricDescriptor, stream: str, *values: str | int | None) -> Attributes:
    """Keys come from the table; a key without a value is left out."""
    pairs = zip(descriptor.attributes, values, strict=True)
    return ((names.STREAM, stream), *((key, value) for key, value in pairs if value is not None))


def arrival_series(stream: str, topic: str, partition: int) -> Attributes:
    """The series that holds the arrival ages of a partition."""
    return _attributes(names.EVENT_AGE, stream, ARRIVAL, topic, partition, None)


def _partition(
    stream: str, view: PartitionView, without_ages: Collection[str]
) -> Iterator[Reading]:
    totals, where = view.totals, (view.topic, view.partition)
    if view.end_offset is not None:
        yield reading(names.CURRENT_OFFSET, stream, *where, value=view.end_offset)
    ages = totals.arrival_ages
    yield reading(names.EVENT_AGE, stream, ARRIVAL, *where, None, value=ages)
    counts_of_all = (
        (names.RECORDS, totals.records),
        (names.RECORDS_SIZE, totals.bytes),
        (names.RECORDS_UNAGED, totals.unaged),
        (names.RECORDS_NEGATIVE_AGE, totals.negative),
        (names.RECORDS_TRACED, totals.traced),
        (names.RECORDS_SAMPLED, totals.sampled),
        (names.OFFSETS_UNDECODABLE, totals.undecodable),
        (names.OFFSETS_LOST, totals.lost),
    )
    yield from _known(counts_of_all, stream, *where)
    for descriptor, counts in (
        (names.EVENT_TIME_RECORDS, totals.event_times),
        (names.EVENT_TIME_UNREADABLE, totals.unreadable_event_times),
        (names.TRACE_CONTEXT_REJECTED, totals.rejected_contexts),
    ):
        for name, count in sorted(counts.items()):
            yield reading(descriptor, stream, *where, name, value=count)
    for group, done in sorted(totals.groups.items()):
        yield reading(names.GROUP_COMMITTED, stream, *where, group, value=done.committed)
        if group in without_ages:
            continue
        if done.aged.count:
            yield reading(names.EVENT_AGE, stream, PROCESSED, *where, group, value=done.aged)
        if done.aged.count or done.unaged or done.reprocessed:
            yield reading(names.GROUP_UNAGED, stream, *where, group, value=done.unaged)
            yield reading(names.GROUP_REPROCESSED, stream, *where, group, value=done.reprocessed)


def _dead_letter_partition(stream: str, view: PartitionView) -> Iterator[Reading]:
    where = (view.topic, view.partition)
    if view.end_offset is not None:
        yield reading(names.CURRENT_OFFSET, stream, *where, value=view.end_offset)
    totals = view.totals
    yield reading(names.EVENT_AGE, stream, DEATH, *where, None, value=totals.death_ages)
    waits = totals.append_to_death
    yield reading(names.DEAD_LETTERS_APPEND_TO_DEATH, stream, *where, value=waits)
    counts = (
        (names.DEAD_LETTERS, totals.dead_letters),
        (names.DEAD_LETTERS_RETRYING, totals.retrying),
        (names.OFFSETS_UNDECODABLE, totals.undecodable),
        (names.OFFSETS_LOST, totals.lost),
    )
    yield from _known(counts, stream, *where)


def _group(snapshot: Snapshot, group: str, view: GroupView) -> Iterator[Reading]:
    stream, topic = snapshot.stream, snapshot.topic
    status = names.STATUSES[view.status]
    yield reading(names.GROUP_STATUS, stream, topic, group, value=status)
    if view.lag is not None and view.lag_bound in _LAG_BOUNDS:
        yield reading(names.GROUP_LAG_SUM, stream, topic, group, value=view.lag)
    yield reading(names.GROUP_LOST, stream, topic, group, value=view.lost)
    forecast, pace = view.forecast, view.pace
    course = (
        (names.GROUP_LAG_SLOPE, forecast.lag_slope),
        (names.GROUP_TIME_LAG_SLOPE, forecast.time_lag_slope),
        (names.GROUP_DRAIN, forecast.drain_seconds),
        (names.GROUP_BREACH, forecast.breach_seconds),
        (names.GROUP_RETENTION, forecast.retention_seconds),
        (names.GROUP_IN, pace.in_per_second),
        (names.GROUP_OUT, pace.out_per_second),
        (names.GROUP_PROCESSING, pace.processing_seconds),
    )
    yield from _known(course, stream, topic, group)
    for partition, at in sorted(view.partitions.items()):
        where = (topic, partition, group)
        if at.committed_offset is not None:
            yield reading(names.GROUP_OFFSET, stream, *where, value=at.committed_offset)
        if at.lag is not None and at.lag_bound in _LAG_BOUNDS:
            yield reading(names.GROUP_LAG, stream, *where, value=at.lag)
        if at.time_lag_seconds is not None and at.time_lag_bound in _LAG_BOUNDS:
            yield reading(names.GROUP_TIME_LAG, stream, *where, value=at.time_lag_seconds)


_LAG_BOUNDS = (LagBound.EXACT, LagBound.UPPER)
"""Bounds under which "at most so much" is true."""


def _whole(snapshot: Snapshot) -> Iterator[Reading]:
    stream = snapshot.stream
    for verdict in snapshot.verdicts:
        asset = "/".join(verdict.asset_key)
        standing = names.STANDINGS[verdict.level]
        yield reading(names.CHECK_STANDING, stream, verdict.check, asset, value=standing)
    if snapshot.completeness is not None:
        yield reading(names.COMPLETENESS, stream, value=snapshot.completeness)
    yield reading(names.BLIND, stream, value=len(snapshot.blind))
    keeping = snapshot.keeping
    if keeping.bytes_per_second is not None:
        yield reading(names.STATE_RATE, stream, value=keeping.bytes_per_second)
    if keeping.largest_units is not None:
        yield reading(names.STATE_SIZE, stream, value=keeping.largest_units)
    for kind, count in sorted(keeping.left_out.items()):
        yield reading(names.STATE_LEFT_OUT, stream, kind, value=count)
    yield reading(names.AGE_RESOLUTION, stream, value=snapshot.resolution_ms / 1000)
    asked_seconds = snapshot.processed_resolution_ms / 1000
    yield reading(names.PROCESSED_RESOLUTION, stream, value=asked_seconds)
    ledger = snapshot.ledger
    yield reading(names.PROCESSED_ERROR, stream, value=ledger.error_ms / 1000)
    remembered = ledger.exact_records + ledger.coarse_records
    yield reading(names.LEDGER_RECORDS, stream, value=remembered)
    yield reading(names.LEDGER_DROPPED, stream, value=ledger.dropped_records)
    seen = snapshot.sightings
    if seen is not None:
        yield reading(names.FIRST_SIGHTINGS_ASKED, stream, value=seen.asked)
        yield reading(names.FIRST_SIGHTINGS_ANSWERED, stream, value=seen.answered)
        yield reading(names.FIRST_SIGHTINGS_EVICTED, stream, value=seen.evicted)
