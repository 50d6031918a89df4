"""Reports: totals of a life up to named positions, with the difference to the report before.

Totals only grow, so a report that is sent twice, comes late or is lost spoils nothing: the greatest
totals of a life are the truth. Of reports with equal sequence the one with the greater totals
counts, and the difference of the next sequence starts there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from streamgauge.core.snapshot import DeadLetterTopicView, PartitionView, Snapshot
    from streamgauge.core.totals import Totals


@dataclass(frozen=True, slots=True)
class Position:
    """How far one partition is folded into the totals."""

    partition: int
    next_offset: int
    records: int
    """Records of the partition in this life (dead letters, for a dead letter topic)."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one asset, a stream or one of its dead letter topics, has to say at `end_ms`."""

    stream: str
    asset_key: tuple[str, ...]
    life: str
    sequence: int
    """1 for the first report of a life, then one more for each acknowledged report."""
    start_ms: int
    """End of the acknowledged report before, or the start of the life."""
    end_ms: int
    """Never before `start_ms`, also when the clock was set back."""
    totals: Totals
    positions: tuple[Position, ...]
    """Of the asset's own topic, ordered by partition."""
    difference: Totals
    """Totals less those of the acknowledged report before; all of them at the start of a life."""
    arrived: int
    """Records of the asset's own topic in `difference`."""
    arrived_total: int
    """Records of the asset's own topic in `totals`."""
    data_version: str
    topic_id: UUID | None = None
    """Kafka's id of the asset's own topic; None where it is not known."""
    lacks_causes: bool = False
    """Whether its totals name only some of the causes."""


def report(snapshot: Snapshot, acknowledged: Report | None) -> Report:
    """The report of the stream itself; its totals include the dead letter topics.

    Args:
        snapshot: the state to tell.
        acknowledged: the newest report of this asset that the receiver is known to have.

    Raises:
        ValueError: naming the count that is less than the acknowledged one of the same life.
    """
    topic = _Topic(
        snapshot.asset_key,
        snapshot.totals,
        snapshot.totals.records,
        tuple(
            Position(part.partition, part.next_offset, part.totals.records)
            for part in snapshot.partitions
        ),
        _topic_id(snapshot.partitions),
    )
    return _report(snapshot, topic, acknowledged)


def dead_letter_report(
    snapshot: Snapshot, view: DeadLetterTopicView, acknowledged: Report | None
) -> Report:
    """The report of one dead letter topic of the stream, from that topic's own totals.

    Args:
        snapshot: the state to tell.
        view: the dead letter topic, one of `snapshot.dead_letters`.
        acknowledged: the newest report of this asset that the receiver is known to have.

    Raises:
        ValueError: naming the count that is less than the acknowledged one of the same life.
    """
    parts = [part for part in snapshot.dead_letter_partitions if part.topic == view.topic]
    topic = _Topic(
        view.asset_key,
        view.totals,
        view.totals.dead_letters,
        tuple(Position(p.partition, p.next_offset, p.totals.dead_letters) for p in parts),
        _topic_id(parts),
    )
    return _report(snapshot, topic, acknowledged)


@dataclass(frozen=True, slots=True)
class _Topic:
    """What a stream and a dead letter topic have in common."""

    asset_key: tuple[str, ...]
    totals: Totals
    arrived_total: int
    positions: tuple[Position, ...]
    topic_id: UUID | None


def _topic_id(partitions: Iterable[PartitionView]) -> UUID | None:
    """The id that is known of a partition is that of its topic."""
    return next((part.topic_id for part in partitions if part.topic_id is not None), None)


def _report(snapshot: Snapshot, topic: _Topic, acknowledged: Report | None) -> Report:
    before = acknowledged if acknowledged and acknowledged.life == snapshot.life else None
    start_ms = before.end_ms if before else snapshot.life_start_ms
    arrived = topic.arrived_total - (before.arrived_total if before else 0)
    totals = _with_groups_of(before, topic.totals) if before else topic.totals
    difference = totals - before.totals if before else totals
    causes = difference.causes
    if before and before.lacks_causes:  # of the others it is not known how many came since
        causes = {key: causes[key] for key in before.totals.causes}
    found = {n: g for n, g in difference.groups.items() if n in topic.totals.groups}
    return Report(
        stream=snapshot.stream,
        asset_key=topic.asset_key,
        life=snapshot.life,
        sequence=before.sequence + 1 if before else 1,
        start_ms=start_ms,
        end_ms=max(start_ms, snapshot.as_of_ms),
        totals=totals,
        positions=topic.positions,
        difference=replace(difference, groups=found, causes=causes),
        arrived=arrived,
        arrived_total=topic.arrived_total,
        data_version=data_version(topic.positions)
        if arrived or not before
        else before.data_version,
        topic_id=topic.topic_id,
    )


def _with_groups_of(before: Report, totals: Totals) -> Totals:
    """The totals, and those of groups that are not found at present as they were told last.

    A pattern finds groups again some time after a restart; then they go on from there. Until then
    nothing is known of what they did, and the difference does not name them.
    """
    return replace(totals, groups=before.totals.groups | totals.groups)


def data_version(positions: Iterable[Position]) -> str:
    """The version of the data up to these positions.

    It is the first 16 hex digits of SHA-256 over `partition:next_offset` of all partitions, in the
    order of the partitions, joined with commas: equal positions give an equal version, also
    after a restart. Positions move over control records too, so a report without a new record
    keeps the version of the acknowledged report before it.
    """
    ordered = sorted((position.partition, position.next_offset) for position in positions)
    text = ",".join(f"{partition}:{next_offset}" for partition, next_offset in ordered)
    return sha256(text.encode("ascii")).hexdigest()[:16]
