"""One tailed topic: for each partition how far it was read and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.snapshot import PartitionView
from streamgauge.core.state.totals import groups_by_name, totals_of
from streamgauge.core.totals import Totals
from streamgauge.core.wording import few
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.state.partition_state import PartitionState
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
    edition: int = 0
    """Grows with whatever is to be stored."""
    stored: Stored | None = None
    """What is stored of it, None before the first time."""

    @property
    def told_position(self) -> int:
        """Offset up to which records are told where only what is stored is told."""
        return self.start_position if self.stored is None else self.stored.state.position

    def changed(self) -> None:
        """Something was counted or passed."""
        self.told = None
        self.edition += 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A state that is stored, and what of it is told."""

    state: PartitionState
    edition: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Captured:
    """What is to be stored of a partition, as it is at one moment."""

    topic: str
    partition: int
    edition: int
    next_offset: int
    read_to_end_ms: int | None
    totals: Totals
    """A copy that no longer grows."""
    highest_commits: Mapping[str, int]
    stored: PartitionState
    """What is stored of it at present."""


class Topic:
    """What was read of one topic in the present life.

    Where state is kept, the views tell what is stored and nothing else: what is only in memory
    would be counted again, with other ages, by whoever goes on after a crash.
    """

    def __init__(self, name: str, life_start_ms: int, *, kept: bool = False) -> None:
        self.name = name
        self._life_start_ms = life_start_ms
        self._kept = kept
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

    def restored(self, number: int, state: PartitionState, groups: Iterable[str]) -> None:
        """Go on from what is stored of a partition, and forget what is only in memory.

        Args:
            number: of the partition.
            state: what is stored.
            groups: names of the consumer groups that are known.
        """
        named = groups_by_name(state, groups)
        before = self._partitions.get(number)
        self._partitions[number] = _Partition(
            start_position=state.start_position,
            next_offset=state.position,
            end_offset=None if before is None else before.end_offset,
            totals=totals_of(state, named),
            highest_commits={
                name: group.highest_commit
                for name, group in named.items()
                if group.highest_commit is not None
            },
            stored=Stored(state, 0, totals_of(state, named)),
        )

    def planted(self, number: int, state: PartitionState) -> None:
        """The first state of a partition is stored: an assigned one may be told from now on."""
        self._partitions[number].stored = Stored(state, 0, Totals())

    def named(self, groups: Iterable[str]) -> None:
        """These consumer groups are known by name: what is stored of them is told, all at once."""
        names = tuple(groups)
        for partition in self._partitions.values():
            if partition.stored is not None:
                stored = partition.stored
                partition.stored = replace(stored, totals=totals_of(stored.state, names))
                partition.told = None

    def keep_in_memory(self) -> None:
        """Nothing is stored: the views tell what is counted."""
        self._kept = False
        for partition in self._partitions.values():
            told = {} if partition.stored is None else partition.stored.totals.groups
            for group in told.keys() - partition.totals.groups.keys():
                self._remembered(partition, group)  # it was not seen yet in this process
            partition.told = None

    def start_position(self, number: int) -> int:
        """First offset that the totals of a partition can hold."""
        return self._partitions[number].start_position

    def emptied(self, now_ms: int) -> Topic:
        """The topic in a new life, without partitions: its log is another one."""
        return Topic(self.name, now_ms, kept=self._kept)

    def unstored(self) -> tuple[int, ...]:
        """Partitions of which nothing is stored yet in this life."""
        return tuple(
            number for number, each in sorted(self._partitions.items()) if each.stored is None
        )

    def captured(self, number: int) -> Captured | None:
        """What is to be stored of a partition; None if it has no state yet to go on from."""
        partition = self._partitions[number]
        if partition.stored is None:
            return None
        return Captured(
            topic=self.name,
            partition=number,
            edition=partition.edition,
            next_offset=partition.next_offset,
            read_to_end_ms=partition.read_to_end_ms,
            totals=partition.totals.copy(),
            highest_commits=dict(partition.highest_commits),
            stored=partition.stored.state,
        )

    def is_due(self, number: int, before_ms: int) -> bool:
        """Whether there is more to store of a partition, or its state is as of before this time."""
        partition = self._partitions[number]
        if partition.stored is None:
            return False
        stored_ms, read_ms = partition.stored.state.as_of_ms, partition.read_to_end_ms
        newer = read_ms is not None and (stored_ms is None or stored_ms < min(before_ms, read_ms))
        return partition.stored.edition != partition.edition or newer

    def settled(self, captured: Captured, state: PartitionState, groups: Iterable[str]) -> None:
        """What was captured is stored: now it is told."""
        partition = self._partitions[captured.partition]
        partition.stored = Stored(state, captured.edition, totals_of(state, groups))
        partition.told = None

    def renewed(self, now_ms: int) -> Topic:
        """The topic in a new life, all totals at zero.

        It goes on from the same positions; where state is kept, from the stored ones, because
        what was counted beyond them was told by nobody.
        """
        renewed = Topic(self.name, now_ms, kept=self._kept)
        for number, partition in self._partitions.items():
            position, read_to_end_ms = partition.next_offset, partition.read_to_end_ms
            if self._kept:
                position, read_to_end_ms = partition.told_position, self._as_of_ms(partition)
            renewed._partitions[number] = _Partition(
                start_position=position,
                next_offset=position,
                end_offset=partition.end_offset,
                read_to_end_ms=read_to_end_ms,
            )
        return renewed

    @property
    def told_positions(self) -> dict[int, int]:
        """Offset by partition up to which records are told: beyond it they can be read again."""
        return {
            number: each.told_position if self._kept else each.next_offset
            for number, each in sorted(self._partitions.items())
        }

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
        partition.changed()
        return partition.totals

    def passed(self, number: int, next_offset: int, *, lost: int = 0, undecodable: int = 0) -> None:
        """The position moved over offsets that gave no record."""
        partition = self._partitions[number]
        partition.next_offset = max(partition.next_offset, next_offset)
        partition.totals.lost += lost
        partition.totals.undecodable += undecodable
        partition.changed()

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
        if highest is None:
            highest = self._remembered(partition, group)
        if highest is None or offset > highest:
            partition.highest_commits[group] = offset
            partition.totals.fold_commit(group, 0 if highest is None else offset - highest)
            partition.changed()

    @staticmethod
    def _remembered(partition: _Partition, group: str) -> int | None:
        """The highest commit that is stored of a group whose name was not known until now."""
        if partition.stored is None:
            return None
        known = groups_by_name(partition.stored.state, [group]).get(group)
        if known is None:
            return None
        partition.totals.groups[group] = totals_of(partition.stored.state, [group]).groups[group]
        return known.highest_commit

    def views(self) -> tuple[PartitionView, ...]:
        """Every partition as it is now, ordered by number."""
        return tuple(
            self._view(number, partition)
            for number, partition in sorted(self._partitions.items())
            if partition.stored is not None or not self._kept
        )

    def _view(self, number: int, partition: _Partition) -> PartitionView:
        stored = partition.stored if self._kept else None
        if partition.told is None:
            partition.told = partition.totals.copy() if stored is None else stored.totals
        return PartitionView(
            topic=self.name,
            partition=number,
            start_position=partition.start_position,
            next_offset=partition.next_offset if stored is None else stored.state.position,
            end_offset=partition.end_offset,
            as_of_ms=self._as_of_ms(partition),
            totals=partition.told,
            topic_id=None if stored is None else stored.state.topic_id,
        )

    def _as_of_ms(self, partition: _Partition) -> int | None:
        """Up to when that what is told holds everything."""
        if not self._kept:
            return partition.read_to_end_ms
        return None if partition.stored is None else partition.stored.state.as_of_ms

    def fresh(self, now_ms: int) -> int:
        """How many partitions were read to their end lately."""
        return sum(_is_fresh(self._as_of_ms(each), now_ms) for each in self._partitions.values())

    def stale(self, now_ms: int) -> Blind | None:
        """The partitions that were not read to their end lately, None if all were."""
        what = f"topic {self.name}"
        if not self._partitions:
            return Blind(what, self._life_start_ms, "its partitions are not known yet")
        behind = {
            number: self._as_of_ms(partition)
            for number, partition in sorted(self._partitions.items())
            if not _is_fresh(self._as_of_ms(partition), now_ms)
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
