"""One tailed topic: for each partition how far it was read and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.ledger import Ledger, LedgerBudget
from streamgauge.core.partition import Partition, Stored
from streamgauge.core.places import Places
from streamgauge.core.snapshot import LedgerView, PartitionView
from streamgauge.core.state.totals import cause_names, groups_by_name, totals_of
from streamgauge.core.totals import Totals, arrival_times
from streamgauge.core.undecodable import Read, Undecoded
from streamgauge.core.wording import few
from streamgauge.core.worked import Worked
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.passing import Passing
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.model import Columns

FRESH_FOR_MS: Final = 30_000
"""A partition's state is fresh if it was read to its end at most this long ago, inclusive."""

BEHIND_MS: Final = 1_000
"""What was not read to its end for longer is being caught up."""

PATIENCE_MS: Final = 1_200
"""Answers about a group lie at most this far apart where it is asked for every second."""


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
    aged_to: Mapping[str, int]
    """Of every group of which a commit was seen."""
    stored: PartitionState
    """What is stored of it at present."""
    takers: tuple[str, ...] = ()
    """Groups that may take a free place for their processed ages, the first ones first."""
    causes: Mapping[str, CauseName] = field(default_factory=dict)
    """What the causes in the totals are called, by key."""


class Topic:
    """What was read of one topic in the present life.

    Where state is kept, the views tell what is stored and nothing else: what is only in memory
    would be counted again, with other ages, by whoever goes on after a crash.

    Args:
        name: of the topic.
        life_start_ms: when the present life began.
        kept: whether state is kept.
        budget: for the ledgers of its partitions.
        patience_ms: answers about a group that lie further apart do not show when it moved.
    """

    def __init__(
        self,
        name: str,
        life_start_ms: int,
        *,
        kept: bool = False,
        budget: LedgerBudget | None = None,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        self.name = name
        self._life_start_ms = life_start_ms
        self._kept = kept
        self._budget = budget or LedgerBudget()
        self._patience_ms = patience_ms
        self._reserved: tuple[str, ...] = ()
        self._partitions: dict[int, Partition] = {}

    def _in_life_from(self, now_ms: int, partitions: dict[int, Partition]) -> Topic:
        """The topic with these partitions in a life that begins now."""
        topic = Topic(
            self.name,
            now_ms,
            kept=self._kept,
            budget=self._budget,
            patience_ms=self._patience_ms,
        )
        topic._reserved = self._reserved
        topic._partitions = partitions
        return topic

    def reserve(self, groups: Iterable[str]) -> None:
        """Keep places for the processed ages of these groups, though others may come first."""
        self._reserved = tuple(groups)
        for partition in self._partitions.values():
            partition.reserve(self._reserved)

    def _places(self, state: PartitionState | None = None) -> Places | None:
        return Places(state, self._reserved) if self._kept else None

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
            ledger = Ledger(self._budget, position)
            self._partitions[number] = Partition(position, position, ledger, self._places())

    def restored(self, number: int, state: PartitionState, groups: Iterable[str]) -> None:
        """Go on from what is stored of a partition, and forget what is only in memory.

        Args:
            number: of the partition.
            state: what is stored.
            groups: names of the consumer groups that are known.
        """
        groups = tuple(groups)
        named = groups_by_name(state, groups)
        before = self._partitions.get(number)
        if before is not None:
            before.ledger.forget()
        partition = self._partitions[number] = Partition(
            start_position=state.start_position,
            next_offset=state.position,
            ledger=Ledger(self._budget, state.position),
            places=self._places(state),
            end_offset=None if before is None else before.end_offset,
            totals=totals_of(state, named),
            stored=Stored(state, 0, totals_of(state, named)),
            causes=cause_names(state, groups),
        )
        for name, group in named.items():
            partition.go_on(name, group)
        partition.named(partition.totals)

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
                partition.named(partition.stored.totals)
                partition.name_causes(cause_names(stored.state, names))
                partition.told = None

    def keep_in_memory(self) -> None:
        """Nothing is stored: the views tell what is counted."""
        self._kept = False
        for partition in self._partitions.values():
            partition.keep_in_memory()

    def start_position(self, number: int) -> int:
        """First offset that the totals of a partition can hold."""
        return self._partitions[number].start_position

    def emptied(self, now_ms: int) -> Topic:
        """The topic in a new life, without partitions: its log is another one.

        The ledgers of this one are empty from now on.
        """
        for partition in self._partitions.values():
            partition.ledger.forget()
        return self._in_life_from(now_ms, {})

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
            highest_commits={name: each.highest for name, each in partition.passing.items()},
            aged_to=partition.aged_to(),
            stored=partition.stored.state,
            takers=partition.takers,
            causes=dict(partition.causes),
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

        It goes on from the same positions, with the same ledgers; where state is kept, from the
        stored ones, because what was counted beyond them was told by nobody.
        """
        partitions = {}
        for number, partition in self._partitions.items():
            partition.refill_ended()
            position, read_to_end_ms = partition.next_offset, partition.read_to_end_ms
            if self._kept:
                position = min(position, partition.told_position)  # the log may have been cut off
                read_to_end_ms = self._as_of_ms(partition)
            ledger = partition.ledger
            if ledger.start > position:  # what it lacks is read again, and the rest as well
                ledger.forget()
                ledger = Ledger(self._budget, position)
            partitions[number] = Partition(
                start_position=position,
                next_offset=position,
                ledger=ledger,
                places=self._places(),
                end_offset=partition.end_offset,
                read_to_end_ms=read_to_end_ms,
                log_start=partition.log_start,
            )
        return self._in_life_from(now_ms, partitions)

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

    def has(self, number: int) -> bool:
        """Whether this partition is assigned."""
        return number in self._partitions

    @property
    def partitions(self) -> tuple[int, ...]:
        """Numbers of the assigned partitions, ascending."""
        return tuple(sorted(self._partitions))

    def fold(self, columns: Columns) -> ArrivalAges:
        """Count the records of a stream's topic.

        Raises:
            ValueError: if a record lies before the position: it would be counted twice.
        """
        partition, next_offset = self._growing(columns)
        ages = partition.totals.fold(columns)
        read = Read(columns.offsets, columns.event_ms, arrival_times(columns))
        partition.read_to(next_offset, read)
        return ages

    def fold_dead_letters(self, columns: Columns, dead: Sequence[CauseName], retrying: int) -> None:
        """Count the records of a dead letter topic.

        Args:
            columns: the records.
            dead: the causes of those that are dead letters of this stream.
            retrying: how many of its records are being tried again.

        Raises:
            ValueError: if a record lies before the position: it would be counted twice.
        """
        partition, next_offset = self._growing(columns)
        partition.next_offset = next_offset
        partition.died(dead, retrying)
        partition.undecoded.clear()

    def fold_deaths(self, number: int, ages_ms: Sequence[int], waits_ms: Sequence[int]) -> None:
        """Count ages at death, and times from append to death, of a partition's dead letters."""
        partition = self._partitions[number]
        partition.totals.fold_deaths(ages_ms, waits_ms)
        partition.changed()

    @property
    def causes(self) -> dict[str, CauseName]:
        """What the causes in the totals are called, by key."""
        return {
            key: name for each in self._partitions.values() for key, name in each.causes.items()
        }

    def _growing(self, columns: Columns) -> tuple[Partition, int]:
        """The partition, and where its position moves."""
        partition = self._partitions[columns.partition]
        if len(columns.offsets) and int(columns.offsets[0]) < partition.next_offset:
            raise ValueError(
                f"{self.name}/{columns.partition}: offset {int(columns.offsets[0])} lies before "
                f"the position {partition.next_offset} and would be counted twice"
            )
        partition.refill_ended()
        after = int(columns.offsets[-1]) + 1 if len(columns.offsets) else 0
        partition.changed()
        return partition, max(partition.next_offset, columns.next_offset, after)

    def undecodable(self, number: int, first_offset: int, records: int) -> None:
        """Records cannot be decoded: to be told before the position moves over them.

        Groups pass them as they pass others, without an age.

        Args:
            number: of the partition.
            first_offset: where they begin.
            records: how many, one after the other.
        """
        partition = self._partitions[number]
        partition.totals.undecodable += records
        partition.undecoded.append(Undecoded(first_offset, records))

    def passed(self, number: int, next_offset: int, *, lost: int = 0) -> None:
        """The position moved over offsets that gave no record.

        Args:
            number: of the partition.
            next_offset: of it.
            lost: offsets before that which retention deleted before they were read; to be told
                before anything that comes after them.
        """
        partition = self._partitions[number]
        partition.refill_ended()
        if lost:
            partition.totals.lost += lost
            partition.forget_before(next_offset)
        partition.read_to(next_offset)
        partition.changed()

    def answered(self, number: int, end_offset: int, answered_ms: int) -> None:
        """A fetch was answered at that time and said where the log ends."""
        partition = self._partitions[number]
        partition.end_offset = end_offset
        if partition.next_offset >= end_offset:
            partition.read_to_end_ms = answered_ms

    def committed(self, group: str, number: int, offset: int | None, seen_at_ms: int) -> None:
        """A consumer group's committed offset was seen.

        Args:
            group: its name.
            number: of the partition.
            offset: what it has committed; None if it has no commit there.
            seen_at_ms: when that was answered.
        """
        partition = self._partitions.get(number)
        if partition is None:
            return
        partition.committed(group, offset, seen_at_ms, self._patience_ms)

    def deleted_before(self, starts: Mapping[int, int]) -> None:
        """Retention has deleted what lies before these offsets, by partition.

        To be told after each round of commits. What of that a group had not passed is lost to it,
        as soon as there is an answer about the group.
        """
        for number, start in starts.items():
            if number in self._partitions:
                self._partitions[number].deleted_before(start)

    def truncated(self, number: int, end: int) -> None:
        """The log of a partition ends earlier now, and other records may follow from there on.

        The position moves back to the end. What was counted stays counted: to count anew, begin
        a life (`renewed`), which goes on from there with what the ledger still knows.
        """
        self._partitions[number].truncated(end)

    def refill(self, number: int, start: int) -> None:
        """Begin to fill the ledger of a partition anew, from an offset up to the position.

        Until that has ended nothing is counted of what groups pass; reading on ends it.

        Raises:
            ValueError: if the start lies beyond the position.
        """
        partition = self._partitions[number]
        if start > partition.next_offset:
            raise ValueError(
                f"{self.name}/{number}: a ledger cannot be refilled from offset {start} on, which "
                f"lies beyond the position {partition.next_offset}"
            )
        partition.refill(Ledger(self._budget, start))

    def refilled(self, columns: Columns, undecoded: Iterable[Undecoded] = ()) -> None:
        """Remember records below the position, and count none of them.

        Args:
            columns: records of one partition.
            undecoded: those among them that cannot be decoded.
        """
        read = Read(columns.offsets, columns.event_ms, columns.append_ms)
        partition = self._partitions[columns.partition]
        partition.refilled(read, tuple(undecoded), columns.next_offset)

    def refill_lost(self, number: int, next_offset: int) -> None:
        """Retention has deleted what lies before this offset while the ledger was refilled."""
        self._partitions[number].forget_before(next_offset)

    def refill_ended(self, number: int) -> None:
        """The ledger is filled as far as it could be: if not to the position, it begins there."""
        self._partitions[number].refill_ended()

    def ledger_of(self, number: int) -> Ledger:
        """The ledger of a partition."""
        return self._partitions[number].ledger

    def worked(self, group: str) -> Worked:
        """How long the records took that this process has aged for a group in this life."""
        return Worked.sum(each.worked for each in self._passings(group) if each.worked is not None)

    def lost(self, group: str) -> int:
        """Records that retention deleted before the group passed them, as this process has seen."""
        return sum(each.lost for each in self._passings(group))

    @property
    def records(self) -> int:
        """Records that were counted in this life, told or not."""
        return sum(each.totals.records for each in self._partitions.values())

    def records_passed(self, group: str) -> int:
        """Records that a group has passed in this life; of groups without a place, offsets."""
        passed = 0
        for each in self._partitions.values():
            totals = each.totals.groups.get(group)
            if totals is not None:
                aged = group not in each.without_place
                passed += totals.aged.count + totals.unaged if aged else totals.committed
        return passed

    def _passings(self, group: str) -> Iterator[Passing]:
        for partition in self._partitions.values():
            passing = partition.passing.get(group)
            if passing is not None:
                yield passing

    @property
    def groups_without_ages(self) -> frozenset[str]:
        """Groups that have no place for processed ages on some partition.

        `aged`, `unaged` and `reprocessed` of their totals are not known.
        """
        return frozenset().union(*(each.without_place for each in self._partitions.values()))

    @property
    def ledger(self) -> LedgerView:
        """What the ledgers of its partitions know; what limits have cost is of all topics."""
        ledgers = [partition.ledger for partition in self._partitions.values()]
        return LedgerView(
            exact_records=sum(each.exact_records for each in ledgers),
            coarse_records=sum(each.coarse_records for each in ledgers),
            dropped_records=self._budget.dropped_records,
            error_ms=self._budget.error_ms,
        )

    def views(self) -> tuple[PartitionView, ...]:
        """Every partition as it is now, ordered by number."""
        return tuple(
            self._view(number, partition)
            for number, partition in sorted(self._partitions.items())
            if partition.stored is not None or not self._kept
        )

    def _view(self, number: int, partition: Partition) -> PartitionView:
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

    def _as_of_ms(self, partition: Partition) -> int | None:
        """Up to when that what is told holds everything."""
        if not self._kept:
            return partition.read_to_end_ms
        return None if partition.stored is None else partition.stored.state.as_of_ms

    def is_behind(self, now_ms: int) -> bool:
        """Whether a partition was not read to its end within the last second."""
        ends_ms = (each.read_to_end_ms for each in self._partitions.values())
        return any(end_ms is None or abs(now_ms - end_ms) > BEHIND_MS for end_ms in ends_ms)

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
