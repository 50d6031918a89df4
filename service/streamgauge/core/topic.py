"""One tailed topic: for each partition how far it was read and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from streamgauge.core.snapshot import PartitionView
from streamgauge.core.totals import Totals
from streamgauge.core.wording import few
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.core.totals import ArrivalAges
    from streamgauge.model import Columns

FRESH_FOR_MS: Final = 30_000
"""A partition's state is fresh if it was read to its end at most this long ago, inclusive."""


@dataclass(slots=True)
class _Partition:
    start_position: int
    next_offset: int
    end_offset: int | None = None
    read_to_end_ms: int | None = None
    totals: Totals = field(default_factory=Totals)
    highest_commits: dict[str, int] = field(default_factory=dict)
    told: Totals | None = None
    """A copy of the totals for the views; None once they have grown."""


class Topic:
    """What was read of one topic in the present life."""

    def __init__(self, name: str, life_start_ms: int) -> None:
        self.name = name
        self._life_start_ms = life_start_ms
        self._partitions: dict[int, _Partition] = {}

    def assigned(self, positions: Mapping[int, int]) -> None:
        """Partitions are tailed from these offsets on.

        Raises:
            ValueError: for a partition that has a position already; within a life it only moves by
                being read.
        """
        again = sorted(positions.keys() & self._partitions.keys())
        if again:
            raise ValueError(f"{self.name}: partitions {again} have a position already")
        for number, position in positions.items():
            self._partitions[number] = _Partition(position, position)

    def renewed(self, now_ms: int) -> Topic:
        """The topic in a new life: the same positions, and all totals at zero."""
        renewed = Topic(self.name, now_ms)
        renewed._partitions = {
            number: _Partition(
                start_position=partition.next_offset,
                next_offset=partition.next_offset,
                end_offset=partition.end_offset,
                read_to_end_ms=partition.read_to_end_ms,
            )
            for number, partition in self._partitions.items()
        }
        return renewed

    @property
    def positions(self) -> dict[int, int]:
        """Next offset to read by partition."""
        return {
            number: partition.next_offset for number, partition in sorted(self._partitions.items())
        }

    @property
    def partitions(self) -> tuple[int, ...]:
        """Numbers of the assigned partitions, ascending."""
        return tuple(sorted(self._partitions))

    def fold(self, columns: Columns) -> ArrivalAges:
        """Count the records of a stream's topic.

        Raises:
            ValueError: if a record lies before the position: it would be counted twice.
        """
        return self._growing(columns).fold(columns)

    def fold_dead_letters(self, columns: Columns) -> None:
        """Count the records of a dead letter topic.

        Raises:
            ValueError: if a record lies before the position: it would be counted twice.
        """
        self._growing(columns).fold_dead_letters(columns)

    def _growing(self, columns: Columns) -> Totals:
        partition = self._partitions[columns.partition]
        if len(columns.offsets) and int(columns.offsets[0]) < partition.next_offset:
            raise ValueError(
                f"{self.name}/{columns.partition}: offset {int(columns.offsets[0])} lies before "
                f"the position {partition.next_offset} and would be counted twice"
            )
        after = int(columns.offsets[-1]) + 1 if len(columns.offsets) else 0
        partition.next_offset = max(partition.next_offset, columns.next_offset, after)
        partition.told = None
        return partition.totals

    def passed(self, number: int, next_offset: int, *, lost: int = 0, undecodable: int = 0) -> None:
        """The position moved over offsets that gave no record."""
        partition = self._partitions[number]
        partition.next_offset = max(partition.next_offset, next_offset)
        partition.totals.lost += lost
        partition.totals.undecodable += undecodable
        partition.told = None

    def answered(self, number: int, end_offset: int, answered_ms: int) -> None:
        """A fetch was answered at that time and said where the log ends."""
        partition = self._partitions[number]
        partition.end_offset = end_offset
        if partition.next_offset >= end_offset:
            partition.read_to_end_ms = answered_ms

    def committed(self, group: str, number: int, offset: int) -> None:
        """A consumer group's committed offset was seen."""
        partition = self._partitions.get(number)
        if partition is None:
            return
        highest = partition.highest_commits.get(group)
        if highest is None or offset > highest:
            partition.highest_commits[group] = offset
            partition.totals.fold_commit(group, 0 if highest is None else offset - highest)
            partition.told = None

    def views(self) -> tuple[PartitionView, ...]:
        """Every partition as it is now, ordered by number."""
        return tuple(
            self._view(number, partition) for number, partition in sorted(self._partitions.items())
        )

    def _view(self, number: int, partition: _Partition) -> PartitionView:
        if partition.told is None:
            partition.told = partition.totals.copy()
        return PartitionView(
            topic=self.name,
            partition=number,
            start_position=partition.start_position,
            next_offset=partition.next_offset,
            end_offset=partition.end_offset,
            as_of_ms=partition.read_to_end_ms,
            totals=partition.told,
        )

    def fresh(self, now_ms: int) -> int:
        """How many partitions were read to their end lately."""
        return sum(_is_fresh(each.read_to_end_ms, now_ms) for each in self._partitions.values())

    def stale(self, now_ms: int) -> Blind | None:
        """The partitions that were not read to their end lately, None if all were."""
        what = f"topic {self.name}"
        if not self._partitions:
            return Blind(what, self._life_start_ms, "its partitions are not known yet")
        behind = {
            number: partition.read_to_end_ms
            for number, partition in sorted(self._partitions.items())
            if not _is_fresh(partition.read_to_end_ms, now_ms)
        }
        if not behind:
            return None
        seen_ms = (self._life_start_ms if at is None else at for at in behind.values())
        since_ms = min(now_ms, *seen_ms)
        return Blind(
            what, since_ms, f"the gauge has not read to the end of partition {few(list(behind))}"
        )


def _is_fresh(read_to_end_ms: int | None, now_ms: int) -> bool:
    """What lies far ahead was stamped before the clock was set back: its age is not known."""
    return read_to_end_ms is not None and abs(now_ms - read_to_end_ms) <= FRESH_FOR_MS
