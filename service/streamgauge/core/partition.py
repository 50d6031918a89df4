"""One partition of a topic: how far it was read, what that amounts to, and where its groups are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamgauge.core.dead_letters.cause import place
from streamgauge.core.passing import Passing
from streamgauge.core.state.totals import groups_by_name, totals_of
from streamgauge.core.totals import Totals
from streamgauge.core.undecodable import NOTHING, UNDECODABLE, with_undecoded
from streamgauge.core.worked import Worked
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.ledger import Ledger
    from streamgauge.core.passing import Moved
    from streamgauge.core.places import Places
    from streamgauge.core.state.partition_state import GroupState, PartitionState
    from streamgauge.core.totals import GroupTotals
    from streamgauge.core.undecodable import Read, Undecoded


@dataclass(frozen=True, slots=True)
class Stored:
    """A state that is stored, and what of it is told."""

    state: PartitionState
    edition: int
    totals: Totals


@dataclass(slots=True)
class Partition:
    """What is in memory of one partition in the present life."""

    start_position: int
    next_offset: int
    ledger: Ledger
    places: Places | None
    """Of the groups whose records are aged; None where nothing is stored: all are."""
    end_offset: int | None = None
    read_to_end_ms: int | None = None
    totals: Totals = field(default_factory=Totals)
    passing: dict[str, Passing] = field(default_factory=dict)
    """Consumer groups of which a commit was seen."""
    without_place: set[str] = field(default_factory=set)
    """Groups whose records are not aged."""
    log_start: int | None = None
    """Where the log begins, None if nobody has said so."""
    undecoded: list[Undecoded] = field(default_factory=list)
    """Records beyond the position of which nothing else will be known."""
    told: Totals | None = None
    """A copy of the totals for the views; None once they have grown."""
    edition: int = 0
    """Grows with whatever is to be stored."""
    stored: Stored | None = None
    """What is stored of it, None before the first time."""
    causes: dict[str, CauseName] = field(default_factory=dict)
    """What the causes in the totals are called, by key."""
    _waiting: dict[str, Passing] = field(default_factory=dict)
    """Groups that have passed records which are not counted yet."""
    _again: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    """What groups have passed again while the ledger was refilled."""
    _refilled_to: int | None = None
    """Where the ledger must reach before anything is counted; None while it is not refilled."""
    _round: int = 0
    """Of answers about groups: each ends when it is told where the log begins."""

    @property
    def told_position(self) -> int:
        """Offset up to which records are told where only what is stored is told."""
        return self.start_position if self.stored is None else self.stored.state.position

    def changed(self) -> None:
        """Something was counted or passed."""
        self.told = None
        self.edition += 1

    def read_to(self, next_offset: int, read: Read = NOTHING) -> None:
        """Remember when records from the position on happened, and age those that waited.

        Args:
            next_offset: where the position moves; it never moves back.
            read: all that can be read before that, but for what is undecoded.
        """
        before, self.next_offset = self.next_offset, max(self.next_offset, next_offset)
        if self.ledger.end < before:
            self.forget_before(before)  # in between it would know of no record
        self._remember(read, self.undecoded, self.next_offset)
        self.undecoded.clear()
        self._age_waiting()

    def _remember(self, read: Read, undecoded: Sequence[Undecoded], end: int) -> None:
        """The ledger knows nothing of what it has no room for, nor of what lies before that."""
        places = [each for each in undecoded if each.records <= UNDECODABLE]
        read = with_undecoded(read, places, end)
        for first, records in sorted(set(undecoded).difference(places)):
            if first < end:
                self.ledger.add(*read.before(first), first)
                self.forget_before(min(end, first + records))
        self.ledger.add(*read, end)

    def forget_before(self, offset: int) -> None:
        """Of what lies before this offset nothing is known any more: count what was passed of it.

        It was deleted, or cannot be remembered: offsets stand for its records.
        """
        for group, passing in list(self._waiting.items()):
            if passing.aged_to < offset:
                self._count(self.totals.groups[group], passing, offset)
                self._goes_on_waiting(group, passing)
                self.changed()
        self.ledger.forget_before(offset)

    def refill(self, ledger: Ledger) -> None:
        """Another ledger is filled up to the position; until it is, nothing is counted."""
        self.ledger.forget()
        self.ledger, self._refilled_to = ledger, self.next_offset

    def refilled(self, read: Read, undecoded: Sequence[Undecoded], next_offset: int) -> None:
        """Remember records below the position, and nothing else of them."""
        if self._refilled_to is not None:
            end = min(next_offset, self._refilled_to)
            self._remember(read.before(self._refilled_to), undecoded, end)

    def refill_ended(self) -> None:
        """Count what was passed meanwhile. A ledger that ends before the position is of no use."""
        if self._refilled_to is None:
            return
        if self.ledger.end < self._refilled_to:
            self.ledger.forget()
            self.ledger.forget_before(self._refilled_to)
        self._refilled_to = None
        for group, again in self._again:
            self.totals.groups[group].reprocessed += self.ledger.count(*again)
        self._again.clear()
        self._age_waiting()
        self.changed()

    def committed(self, group: str, offset: int | None, seen_at_ms: int, patience_ms: int) -> None:
        """A consumer group's committed offset was seen; None: that it has none.

        Args:
            group: its name.
            offset: the commit.
            seen_at_ms: when it was answered.
            patience_ms: answers that lie further apart do not show when the group moved.
        """
        passing = self.passing.get(group) or self.remember(group)
        if offset is None:
            if passing is not None:
                passing.unseen()
            return
        log_start = self.log_start or 0
        if passing is None:
            from_here = self.ledger.start if self.log_start is None else self.log_start
            passing = Passing.begun(max(offset, log_start), seen_at_ms, from_here)
            self._remembered(group, passing)
            self.totals.fold_commit(group, 0)
            self.changed()
        passing.round = self._round
        moved = passing.seen(offset, seen_at_ms, patience_ms, log_start)
        if moved is not None:
            self._pass(group, passing, moved)
        if passing.highest < log_start:
            self._overtaken(group, passing, log_start)
        elif passing.is_aged and passing.waits:
            aged_to = passing.aged_to
            self._age(group, passing)
            if passing.aged_to != aged_to:
                self.changed()

    def _pass(self, group: str, passing: Passing, moved: Moved) -> None:
        repeated = 0
        if passing.is_aged and moved.again[0] < moved.again[1]:
            if self._refilled_to is None:
                repeated = self.ledger.count(*moved.again)
            else:
                self._again.append((group, moved.again))
        if moved.forward or repeated:
            totals = self.totals.groups[group]
            totals.committed += moved.forward
            totals.reprocessed += repeated
            self.changed()

    def _age_waiting(self) -> None:
        for group, passing in list(self._waiting.items()):
            self._age(group, passing)

    def _age(self, group: str, passing: Passing) -> None:
        """Count what the group has passed and the tail has read."""
        if self._refilled_to is None:
            self._count(self.totals.groups[group], passing, self.next_offset)
        self._goes_on_waiting(group, passing)

    def _goes_on_waiting(self, group: str, passing: Passing) -> None:
        if passing.waits:
            self._waiting[group] = passing
        else:
            self._waiting.pop(group, None)

    def _count(self, totals: GroupTotals, passing: Passing, up_to: int) -> None:
        ledger = self.ledger
        for first, end, seen_at_ms in passing.due(up_to):
            if seen_at_ms == UNKNOWN:
                totals.unaged += ledger.count(first, end)
                continue
            totals.unaged += max(0, min(end, ledger.start) - first)
            totals.unaged += max(0, end - max(first, ledger.end))
            passing.worked = passing.worked or Worked()
            for times in ledger.read(first, end):
                totals.age(times.event_ms, seen_at_ms)
                passing.worked.age(times, seen_at_ms)

    def remember(self, group: str) -> Passing | None:
        """What is stored of a group whose name was not known until now."""
        if self.stored is None:
            return None
        known = groups_by_name(self.stored.state, [group]).get(group)
        if known is None:
            return None
        self.totals.groups[group] = totals_of(self.stored.state, [group]).groups[group]
        self.go_on(group, known)
        return self.passing.get(group)

    def go_on(self, name: str, group: GroupState) -> None:
        """Go on from where a group was stored, if a commit of it was seen before.

        What it has passed since its records were aged last waits: the ledger may be refilled first.
        """
        if group.highest_commit is None:
            return
        processed = group.processed
        passing = Passing.stored(group.highest_commit, processed and processed.aged_to)
        self._remembered(name, passing)
        if passing.is_aged and passing.waits:
            self._waiting[name] = passing

    def _remembered(self, group: str, passing: Passing) -> None:
        self.passing[group] = passing
        passing.is_aged = self.places is None or self.places.take(group)
        (self.without_place.discard if passing.is_aged else self.without_place.add)(group)

    def named(self, told: Totals) -> None:
        """These totals are told: those of groups that have no place say nothing of ages."""
        if self.places is not None:
            self.without_place |= {name for name in told.groups if not self.places.has(name)}

    def keep_in_memory(self) -> None:
        """Nothing is stored: from now on the records of all groups are aged.

        What those without a place have passed so far is counted as unaged.
        """
        told = {} if self.stored is None else self.stored.totals.groups
        self.places = None
        self.without_place.clear()
        for group in told.keys() - self.totals.groups.keys():
            self.remember(group)  # it was not seen yet in this process
        for group, passing in self.passing.items():
            passing.is_aged = True
            self._age(group, passing)
        self.told = None

    def deleted_before(self, start: int) -> None:
        """Retention has deleted what lies before this offset; told after each round of answers.

        Groups are overtaken of which there was a commit in this round. Where the others are by now
        only their next answer tells.
        """
        answered, self._round = self._round, self._round + 1
        if self.log_start is not None and start <= self.log_start:
            return
        self.log_start = start
        for group, passing in self.passing.items():
            passing.readable_from = min(passing.readable_from, start)
            if passing.round == answered and passing.highest < start:
                self._overtaken(group, passing, start)
        self.forget_before(start)

    def _overtaken(self, group: str, passing: Passing, start: int) -> None:
        # what it has passed is not lost, and neither tail nor refill will bring it back
        if passing.is_aged:
            self._count(self.totals.groups[group], passing, start)
        self._waiting.pop(group, None)
        passing.lost += self.ledger.count(*passing.overtaken(start))
        self.changed()

    def truncated(self, end: int) -> None:
        """The log ends here now: what was read beyond is no part of it any more."""
        if end >= self.next_offset:
            return
        self.refill_ended()
        self.next_offset, self.start_position = end, min(self.start_position, end)
        self.undecoded.clear()
        self.ledger.forget_from(end)
        for passing in self.passing.values():
            passing.cut_off(end)
        if self.log_start is not None:
            self.log_start = min(self.log_start, end)
        self.changed()

    def aged_to(self) -> dict[str, int]:
        """How far the records of each group are aged of which a commit was seen."""
        return {name: passing.aged_to for name, passing in self.passing.items()}

    @property
    def takers(self) -> tuple[str, ...]:
        """Groups that may take a free place in the state, the first ones first."""
        return () if self.places is None else self.places.takers

    def died(self, dead: Sequence[CauseName], retrying: int) -> None:
        """Count dead letters by their causes, and records that are being tried again."""
        totals = self.totals
        for cause in dead:
            placed = place(cause, self.causes)
            if placed is None:
                totals.other_causes += 1
            else:
                self.causes[placed.key] = placed
                totals.causes[placed.key] = totals.causes.get(placed.key, 0) + 1
        totals.fold_dead_letters(len(dead), retrying)

    def name_causes(self, stored: Mapping[str, CauseName]) -> None:
        """What stored causes are called, now that more consumer groups are known by name."""
        for key, name in stored.items():
            known = self.causes.get(key, name)
            self.causes[key] = name if known[1:] == (None, name.error_class, None) else known

    def reserve(self, groups: Iterable[str]) -> None:
        """Keep places for these groups, though they may come later."""
        if self.places is not None:
            self.places.reserve(groups)
