"""The gauge of one stream: takes in what the shells saw and says all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamgauge.core.arrivals import Arrivals
from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.reported import reported_checks
from streamgauge.core.lag import group_view, is_pattern
from streamgauge.core.snapshot import DeadLetterTopicView, Keeping, Snapshot
from streamgauge.core.topic import Topic
from streamgauge.core.totals import Totals
from streamgauge.core.windows import Windows
from streamgauge.model import UNKNOWN, Blind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.checks.policy import Policy
    from streamgauge.core.checks.standing import Standing
    from streamgauge.core.keeping import Goes
    from streamgauge.core.snapshot import PartitionView, Verdict, Window
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.topic import Captured
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.model import Columns, CommittedOffsets, LogOffsets


@dataclass(frozen=True, slots=True)
class DeadLetterTopic:
    """A dead letter topic and the Dagster asset that stands for it."""

    topic: str
    asset_key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """What is to be measured of one stream."""

    name: str
    topic: str
    asset_key: tuple[str, ...]
    groups: tuple[str, ...]
    """Consumer groups by name or pattern."""
    dead_letters: tuple[DeadLetterTopic, ...]
    window_ms: int
    resolution_ms: int
    checks: Mapping[str, Policy]
    """By check name; a check that is absent follows its default."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one tick says."""

    snapshot: Snapshot
    changed: tuple[Verdict, ...]
    """Verdicts whose level differs from the tick before; at the first tick, all."""
    window: Window | None
    """The window that ended at this tick."""


class StreamGauge:
    """All that is known of one stream. Every method is synchronous and takes its time as argument.

    Within a life totals only grow and positions only move forward. Where state is kept, only what
    is stored is told of the counts.
    """

    def __init__(self, policy: StreamPolicy, life: str, now_ms: int, *, kept: bool = False) -> None:
        self.policy = policy
        self.restored_ms: int | None = None
        """As of when the state was from which this process has gone on; None if from none."""
        self._evaluation = Evaluation(reported_checks(policy))
        self._levels: dict[tuple[tuple[str, ...], str], str] = {}
        self._blind: dict[str, Blind] = {}
        self._keeping = Keeping(group=None)
        self._committed: dict[str, CommittedOffsets | None] = {}
        self._log: LogOffsets | None = None
        self._stream = Topic(policy.topic, now_ms, kept=kept)
        self._dead_letters = {
            each.topic: (each, Topic(each.topic, now_ms, kept=kept), Arrivals(policy.window_ms))
            for each in policy.dead_letters
        }
        self._last_record_ms: int | None = None
        self._listening_since_ms: int | None = None
        self._listening = False
        self._life_start_ms = now_ms - 1
        self._resumed = 0
        self._open_life(life, now_ms)
        self.watch(group for group in policy.groups if not is_pattern(group))
        for topic in self._topics:
            self.blinded(f"topic {topic}", "not asked for yet", now_ms)
        for group in self._committed:
            self.blinded(f"group {group}", "its committed offsets were not asked for yet", now_ms)

    def _open_life(
        self,
        life: str,
        now_ms: int,
        totals: Totals | None = None,
        *,
        after_ms: int = 0,
        why: str | None = None,
    ) -> None:
        # after a clock was set back a life still begins after the one that it ends
        begun_ms = max(now_ms, self._life_start_ms + 1, after_ms + 1)
        self._life, self._life_start_ms, self._life_reason = life, begun_ms, why
        self._windows = Windows(self.policy.window_ms, now_ms, totals or Totals())
        self._last_window: Window | None = None

    def begin_life(self, life: str, rewritten: str, now_ms: int, *, why: str | None = None) -> None:
        """Start all totals at zero, because the log of the topic `rewritten` is another one now.

        Its positions must be assigned again; the other topics go on from theirs.
        """
        renewed = {
            name: topic.emptied(now_ms) if name == rewritten else topic.renewed(now_ms)
            for name, topic in self._topics.items()
        }
        self._renew(renewed)
        if rewritten == self._stream.name:
            self._last_record_ms = None
            self._listening_since_ms, self._listening = None, False
            self._committed = dict.fromkeys(self._committed)
            self._log = None
        self._open_life(life, now_ms, why=why)

    def begin_life_here(
        self, life: str, now_ms: int, *, after_ms: int = 0, why: str | None = None
    ) -> None:
        """Start all totals at zero, at the positions that were stored last.

        The life begins after `after_ms`, also if a clock says otherwise.
        """
        self._renew({name: topic.renewed(now_ms) for name, topic in self._topics.items()})
        self._open_life(life, now_ms, after_ms=after_ms, why=why)

    def restore(self, goes: Goes, now_ms: int) -> None:
        """Go on from what is stored; what was counted beyond it has to be read again."""
        self._renew({name: topic.emptied(now_ms) for name, topic in self._topics.items()})
        for (topic, number), state in goes.states.items():
            if topic in self._topics:
                self._topics[topic].restored(number, state, self._committed)
                self._remember_arrival(topic, state)
        self.begin_at(goes.positions)
        totals = _sum(view for topic in self._topics.values() for view in topic.views())
        self.follow_anew()
        self._open_life(goes.life, now_ms, totals)
        self._life_start_ms = goes.life_start_ms
        as_of = [state.as_of_ms for state in goes.states.values() if state.as_of_ms is not None]
        self.restored_ms = max(as_of, default=None)

    def follow_anew(self) -> None:
        """Others may have reported of this life: the next report follows theirs."""
        self._resumed += 1

    def begin_life_at(
        self,
        life: str,
        positions: Mapping[tuple[str, int], int],
        now_ms: int,
        *,
        after_ms: int = 0,
        why: str | None = None,
    ) -> None:
        """Start all totals at zero, at these positions and no other.

        The life begins after `after_ms`, also if a clock says otherwise.
        """
        self._renew({name: topic.emptied(now_ms) for name, topic in self._topics.items()})
        self.begin_at(positions)
        self._open_life(life, now_ms, after_ms=after_ms, why=why)

    def begin_at(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Go on from positions that an earlier life was told to have reached, counting from zero.

        Raises:
            ValueError: for a partition that has a position already.
        """
        for (topic, number), position in positions.items():
            if topic in self._topics:
                self._topics[topic].assigned({number: position})

    @property
    def checks(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Asset key and name of each check that is judged."""
        return self._evaluation.checks

    def forget_checks(self) -> None:
        """Others have judged meanwhile: what is remembered of the checks is no more."""
        self._evaluation.forget()

    def resume_checks(self, standings: Mapping[tuple[tuple[str, ...], str], Standing]) -> None:
        """Judge on from what checks said before this process, where it judged nothing yet."""
        self._evaluation.resume(standings)

    def kept_as(self, keeping: Keeping) -> None:
        """How what is counted is kept at present."""
        self._keeping = keeping

    def keep_in_memory(self) -> None:
        """Nothing can be stored: what is counted is told as it is."""
        for topic in self._topics.values():
            topic.keep_in_memory()

    def _remember_arrival(self, topic: str, state: PartitionState) -> None:
        if state.last_record_ms is None:
            return
        if topic == self._stream.name:
            before_ms = self._last_record_ms
            self._last_record_ms = max(state.last_record_ms, before_ms or state.last_record_ms)
        else:
            self._dead_letters[topic][2].remember(state.last_record_ms)

    def _renew(self, topics: Mapping[str, Topic]) -> None:
        self._stream = topics[self._stream.name]
        self._dead_letters = {
            name: (each, topics[name], arrivals)
            for name, (each, _, arrivals) in self._dead_letters.items()
        }

    @property
    def life(self) -> tuple[str, int]:
        """The present life, and when it began."""
        return self._life, self._life_start_ms

    def unstored(self) -> dict[tuple[str, int], int]:
        """Partitions of which nothing is stored yet in this life, with their first positions."""
        return {
            (name, number): topic.start_position(number)
            for name, topic in self._topics.items()
            for number in topic.unstored()
        }

    def planted(self, states: Mapping[tuple[str, int], PartitionState]) -> None:
        """The first state of these partitions is stored; of an older life's nothing is taken."""
        for (topic, number), state in states.items():
            if state.life == self._life:
                self._topics[topic].planted(number, state)

    def capture(self, *, before_ms: int, urgent: bool = False) -> list[Captured]:
        """What is to be stored: what was counted, and what was stored as of before this time.

        Args:
            before_ms: an as-of time before this is to be stored anew.
            urgent: of dead letter topics only.
        """
        return [
            captured
            for name, topic in self._topics.items()
            if not urgent or name in self._dead_letters
            for number in topic.partitions
            if topic.is_due(number, before_ms)
            for captured in [topic.captured(number)]
            if captured is not None
        ]

    def settle(self, captured: Captured, state: PartitionState) -> None:
        """What was captured is stored, unless a new life has begun meanwhile."""
        if state.life == self._life:
            self._topics[captured.topic].settled(captured, state, self._committed)

    def last_arrival_ms(self, topic: str) -> int | None:
        """When the newest record of a topic came, None if unknown."""
        if topic == self._stream.name:
            return self._last_record_ms
        return self._dead_letters[topic][2].last_ms

    @property
    def _topics(self) -> dict[str, Topic]:
        letters = {name: topic for name, (_, topic, _) in self._dead_letters.items()}
        return {self._stream.name: self._stream, **letters}

    def assigned(self, topic: str, positions: Mapping[int, int]) -> None:
        """Partitions of a topic are tailed from these offsets on."""
        self._topics[topic].assigned(positions)

    def positions(self, topic: str) -> dict[int, int]:
        """Next offset to read of a topic, by assigned partition."""
        return self._topics[topic].positions

    def told_positions(self, topic: str) -> dict[int, int]:
        """Offset up to which records of a topic are told, by assigned partition."""
        return self._topics[topic].told_positions

    def fold(self, columns: Columns) -> ArrivalAges | None:
        """Count records; of the stream's topic also return their arrival ages."""
        if columns.topic == self._stream.name:
            self._remember_last_record(columns)
            return self._stream.fold(columns)
        _, topic, arrivals = self._dead_letters[columns.topic]
        topic.fold_dead_letters(columns)
        arrivals.add(len(columns.offsets), columns.received_ms)
        return None

    def _remember_last_record(self, columns: Columns) -> None:
        """Receipt tells when a record came only while live; else only the append time does."""
        if not len(columns.offsets):
            return
        came_ms = columns.received_ms if columns.live else int(columns.append_ms.max())
        if came_ms != UNKNOWN:
            before_ms = self._last_record_ms
            self._last_record_ms = came_ms if before_ms is None else max(came_ms, before_ms)

    def passed(
        self, topic: str, partition: int, next_offset: int, *, lost: int = 0, undecodable: int = 0
    ) -> None:
        """The position moved over offsets that gave no record.

        What cannot be decoded in a dead letter topic is one more dead letter that has arrived.
        """
        self._topics[topic].passed(partition, next_offset, lost=lost, undecodable=undecodable)
        if topic in self._dead_letters:
            _, _, arrivals = self._dead_letters[topic]
            arrivals.add(undecodable, None)

    def answered(self, topic: str, partition: int, end_offset: int, answered_ms: int) -> None:
        """A fetch was answered at that time and said where the partition's log ends."""
        self._topics[topic].answered(partition, end_offset, answered_ms)

    def watch(self, groups: Iterable[str]) -> None:
        """Consumer groups to show, whether or not their offsets were answered yet."""
        new = [group for group in groups if group not in self._committed]
        if new:
            self._committed |= dict.fromkeys(new)
            self._stream.named(self._committed)

    @property
    def watched(self) -> tuple[str, ...]:
        """The consumer groups to ask for, those found by patterns included."""
        return tuple(self._committed)

    def offsets(self, committed: Iterable[CommittedOffsets], log: LogOffsets | None) -> None:
        """Committed offsets of groups and, fetched after them, the ends of the stream's log."""
        if log is not None:
            self._log = log
        for answer in committed:
            self._committed[answer.group] = answer
            for partition, offset in answer.offsets.items():
                if offset is not None:
                    self._stream.committed(answer.group, partition, offset)

    def blinded(self, what: str, reason: str, now_ms: int) -> None:
        """Something cannot be vouched for from now on, or still cannot for this reason."""
        since_ms = self._blind[what].since_ms if what in self._blind else now_ms
        self._blind[what] = Blind(what, since_ms, reason)

    def sighted(self, what: str) -> bool:
        """It can be vouched for again; returns whether it could not before."""
        return self._blind.pop(what, None) is not None

    def sees_all(self, now_ms: int) -> bool:
        """Whether there is nothing that the gauge cannot vouch for."""
        return not self._blind_now(now_ms)

    def tick(self, now_ms: int) -> Told:
        """Cut the window that has ended, judge every check, and say all that is known."""
        if self._last_record_ms is not None:
            # stamped by a clock that was ahead: no record can come later than now
            self._last_record_ms = min(self._last_record_ms, now_ms)
        blind = self._blind_now(now_ms)
        self._listen(blind, now_ms)
        partitions = self._stream.views()
        letters = {name: topic.views() for name, (_, topic, _) in self._dead_letters.items()}
        letter_partitions = tuple(view for views in letters.values() for view in views)
        everything = partitions + letter_partitions
        totals = _sum(everything)
        completeness = self._completeness(now_ms)
        window = self._windows.cut(now_ms, totals, completeness)
        self._last_window = window or self._last_window
        snapshot = Snapshot(
            stream=self.policy.name,
            topic=self.policy.topic,
            asset_key=self.policy.asset_key,
            life=self._life,
            life_start_ms=self._life_start_ms,
            as_of_ms=now_ms,
            totals=totals,
            partitions=partitions,
            dead_letter_partitions=letter_partitions,
            dead_letters=tuple(
                DeadLetterTopicView(
                    topic=name,
                    asset_key=each.asset_key,
                    totals=_sum(letters[name]),
                    recent=arrivals.recent(now_ms),
                    last_arrival_ms=arrivals.last_ms,
                )
                for name, (each, _, arrivals) in self._dead_letters.items()
            ),
            groups={
                group: group_view(self._stream.partitions, committed, self._log)
                for group, committed in self._committed.items()
            },
            watched_groups=self.policy.groups,
            window_ms=self.policy.window_ms,
            last_window=self._last_window,
            listening_since_ms=self._listening_since_ms,
            last_record_ms=self._last_record_ms,
            completeness=completeness,
            blind=blind,
            verdicts=(),
            resolution_ms=self.policy.resolution_ms,
            keeping=self._keeping,
            life_reason=self._life_reason,
            resumed=self._resumed,
        )
        verdicts = self._evaluation.evaluate(snapshot)
        return Told(replace(snapshot, verdicts=verdicts), self._changed(verdicts), window)

    @property
    def next_window_end_ms(self) -> int:
        """When the open window ends."""
        return self._windows.next_end_ms

    def _completeness(self, now_ms: int) -> float | None:
        """None while a topic's partitions are not known: a share of what is unknown."""
        fresh = everything = 0
        for topic in self._topics.values():
            if not topic.partitions:
                return None
            everything += len(topic.partitions)
            if f"topic {topic.name}" not in self._blind:
                fresh += topic.fresh(now_ms)
        return fresh / everything

    def _blind_now(self, now_ms: int) -> tuple[Blind, ...]:
        told = dict(self._blind)
        for topic in self._topics.values():
            stale = topic.stale(now_ms)
            if stale is not None:
                told.setdefault(stale.what, stale)
        return tuple(told.values())

    def _listen(self, blind: tuple[Blind, ...], now_ms: int) -> None:
        """Note since when the stream's topic is in sight."""
        before = self._listening
        self._listening = all(each.what != f"topic {self._stream.name}" for each in blind)
        if self._listening and not before:
            self._listening_since_ms = now_ms
        elif self._listening_since_ms is not None:
            self._listening_since_ms = min(self._listening_since_ms, now_ms)

    def _changed(self, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
        changed = tuple(
            verdict
            for verdict in verdicts
            if self._levels.get((verdict.asset_key, verdict.check)) != verdict.level
        )
        self._levels = {(verdict.asset_key, verdict.check): verdict.level for verdict in verdicts}
        return changed


def _sum(views: Iterable[PartitionView]) -> Totals:
    return Totals.sum(view.totals for view in views)
