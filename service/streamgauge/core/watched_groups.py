"""The consumer groups of one stream, and what they have still to read of its topic."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from streamgauge.core.lag import in_order
from streamgauge.core.lookups import Lookups
from streamgauge.core.pace import Reading
from streamgauge.core.unread import NOTHING_KNOWN, PartitionLog, unread
from streamgauge.core.watched_group import Answer, WatchedGroup, view_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from streamgauge.core.lookups import Found
    from streamgauge.core.snapshot import GroupView
    from streamgauge.core.topic import Topic
    from streamgauge.core.unread import Unread
    from streamgauge.core.watched_group import Demands
    from streamgauge.model import CommittedOffsets, LogOffsets


_NO_POISONS: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Retention:
    """What a topic's settings say of the life of its records; None: nobody has said so."""

    is_compacted: bool | None = None
    seconds: float | None = None
    """Age at which records are deleted; None also if no age is."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What is the same for all answers of a round, which come with one log."""

    log: LogOffsets
    topic: Topic
    retention: Retention
    partitions: Mapping[int, PartitionLog]
    records: int
    """Of the topic, in this life."""
    behind: Mapping[int, int]
    """Next offset of the partitions that were not read to the end."""

    @classmethod
    def now(cls, log: LogOffsets, topic: Topic, retention: Retention, lookups: Lookups) -> _Round:
        """As of the first answer of the round."""
        positions = topic.positions
        partitions = {
            number: PartitionLog(
                log.start.get(number),
                log.end.get(number),
                topic.ledger_of(number),
                lookups,
                number,
                retention.is_compacted,
            )
            for number in positions
        }
        behind = {
            number: at for number, at in positions.items() if at < log.end.get(number, at + 1)
        }
        return cls(log, topic, retention, partitions, topic.records, behind)

    def is_of(self, log: LogOffsets, topic: Topic, retention: Retention) -> bool:
        """Whether an answer that comes with these belongs to it."""
        return self.log is log and self.topic is topic and self.retention is retention

    def reaches(self, answer: CommittedOffsets) -> bool:
        """Whether everything was read that the group has passed."""
        offsets = answer.offsets
        return all((offsets.get(number) or 0) <= at for number, at in self.behind.items())


class WatchedGroups:
    """Groups by name, in the order in which they were named.

    Args:
        demands: what they are held against.
        holds_ms: for so long an answer is told while the next one is awaited.
        window_ms: for so long a loss is recent.
    """

    def __init__(self, demands: Demands, holds_ms: int, window_ms: int) -> None:
        self._demands = demands
        self._window_ms = window_ms
        self.holds_ms = holds_ms
        self.retention = Retention()
        self._occupied: Collection[str] = ()
        self._listed_ms: int | None = None
        self._groups: dict[str, WatchedGroup] = {}
        self._lookups = Lookups()
        self._surveys: dict[str, tuple[CommittedOffsets, Mapping[int, Unread]]] = {}
        self._round: _Round | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of all groups."""
        return tuple(self._groups)

    def watch(self, names: Iterable[str]) -> bool:
        """Watch these groups too; whether one of them is new."""
        new = [name for name in names if name not in self._groups]
        self._groups |= {name: WatchedGroup(self._window_ms) for name in new}
        return bool(new)

    def members_live(self, groups: Collection[str], at_ms: int) -> None:
        """These groups had members when they were listed; of others that is not known.

        Args:
            groups: names, of groups that are not watched too.
            at_ms: when the listing was asked for.
        """
        self._occupied, self._listed_ms = groups, at_ms

    def unwatch(self, names: Collection[str]) -> None:
        """These groups are gone."""
        self._groups = {name: each for name, each in self._groups.items() if name not in names}
        for name in names:
            self._surveys.pop(name, None)

    def forget(self) -> None:
        """The log is another one: only the names stay."""
        self._groups = {name: WatchedGroup(self._window_ms) for name in self._groups}
        self._lookups.forget()
        self.retention = Retention()
        self._round = None
        self._surveys.clear()

    def to_look_up(
        self, committed: Iterable[CommittedOffsets], log: LogOffsets, topic: Topic
    ) -> dict[int, list[int]]:
        """Offsets by partition whose first record is not known, the farthest behind first."""
        missed: dict[int, set[int]] = {}
        for answer in committed:
            survey = self._survey(answer, log, topic)
            self._surveys[answer.group] = (answer, survey)
            for number, each in survey.items():
                if each.look_up is not None:
                    missed.setdefault(number, set()).add(each.look_up)
        return {number: sorted(offsets) for number, offsets in missed.items()}

    def found(self, partition: int, offset: int, found: Found) -> None:
        """What the log holds at or after an offset."""
        self._lookups.note(partition, offset, found)

    def answered(
        self,
        answer: CommittedOffsets,
        log: LogOffsets,
        topic: Topic,
        poisons: Mapping[int, int] = _NO_POISONS,
    ) -> None:
        """Take in the answer about one group, after the topic has.

        Args:
            answer: its committed offsets.
            log: where the topic ends.
            topic: the stream's topic.
            poisons: offset by partition of a record that is known to be poison to the group.
        """
        group = self._groups.get(answer.group)
        if group is None:
            return
        is_live = answer.group in self._occupied
        group.answered(
            Answer(
                committed=answer,
                ends=log.end,
                unread=self._unread(answer, log, topic),
                reading=self._reading(answer, log, topic),
                lost=topic.lost(answer.group),
                retention_seconds=self.retention.seconds,
                members_ms=self._listed_ms if is_live else None,
                poisons=poisons,
            ),
            self._demands,
        )

    def _reading(self, answer: CommittedOffsets, log: LogOffsets, topic: Topic) -> Reading:
        read, group = self._round_of(log, topic), answer.group
        return Reading(
            answer.seen_at_ms,
            read.records if not read.behind else None,
            topic.records_passed(group) if read.reaches(answer) else None,
            topic.worked(group),
        )

    def _unread(
        self, answer: CommittedOffsets, log: LogOffsets, topic: Topic
    ) -> Mapping[int, Unread]:
        """As it was surveyed, unless something has been looked up since then."""
        surveyed, survey = self._surveys.pop(answer.group, (None, {}))
        if surveyed is answer and all(each.look_up is None for each in survey.values()):
            return survey
        return self._survey(answer, log, topic)

    def _survey(
        self, answer: CommittedOffsets, log: LogOffsets, topic: Topic
    ) -> Mapping[int, Unread]:
        if not in_order(answer, log):
            return dict.fromkeys(topic.partitions, NOTHING_KNOWN)
        offsets, at_ms = answer.offsets, answer.seen_at_ms
        return {
            number: unread(offsets.get(number), each, at_ms)
            for number, each in self._round_of(log, topic).partitions.items()
        }

    def _round_of(self, log: LogOffsets, topic: Topic) -> _Round:
        if self._round is None or not self._round.is_of(log, topic, self.retention):
            self._round = _Round.now(log, topic, self.retention, self._lookups)
        return self._round

    def last_views(self, topic: Topic, now_ms: int) -> dict[str, GroupView]:
        """Every group as its last answer left it, however long ago that was."""
        return {
            name: each.last_view(topic.partitions, now_ms) for name, each in self._groups.items()
        }

    def views_at(self, last: Mapping[str, GroupView], now_ms: int) -> dict[str, GroupView]:
        """What of these views still holds."""
        return {name: view_at(view, now_ms, self.holds_ms) for name, view in last.items()}

    def hold_for_ms(self, now_ms: int) -> int | None:
        """How long all that holds now goes on to hold, None if nothing does."""
        ends = (
            each.as_of_ms + self.holds_ms
            for each in self._groups.values()
            if each.as_of_ms is not None
        )
        return min((end - now_ms for end in ends if end >= now_ms), default=None)
