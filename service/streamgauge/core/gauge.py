"""The gauge of one stream: takes in what the shells saw and says all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.checks.reported import reported_checks
from streamgauge.core.dead_letters.watched import WatchedDeadLetters
from streamgauge.core.lag import is_pattern
from streamgauge.core.snapshot import Keeping, Snapshot
from streamgauge.core.topic import Topic
from streamgauge.core.totals import Totals
from streamgauge.core.watched_group import Demands
from streamgauge.core.watched_groups import WatchedGroups
from streamgauge.core.windows import Windows
from streamgauge.model import UNKNOWN, Blind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from streamgauge.core.checks.policy import Policy
    from streamgauge.core.checks.standing import Standing
    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.keeping import Goes
    from streamgauge.core.ledger import LedgerBudget
    from streamgauge.core.lookups import Found
    from streamgauge.core.snapshot import PartitionView, Verdict, Window
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.topic import Captured
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.core.undecodable import Undecoded
    from streamgauge.core.watched_groups import Retention
    from streamgauge.model import Columns, CommittedOffsets, LogOffsets

GRACE_MS: Final = 200
"""An answer about a group that comes so much later than asked for still shows when it moved."""


@dataclass(frozen=True, slots=True)
class DeadLetterTopic:
    """A dead letter topic and the Dagster asset that stands for it."""

    topic: str
    asset_key: tuple[str, ...]
    own_topics: frozenset[str] = frozenset()
    """Topics of the stream whose records end here, as far as they are known."""
    left_to_others: frozenset[str] = frozenset()
    """Origins (topics) whose dead letters another stream counts that shares this topic."""
    takes_unknown: bool = True
    """Whether dead letters of an unknown origin are counted here."""


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
    poll_interval_ms: int = 1_000
    """How often committed offsets are asked for."""
    status_for_ms: int | None = None
    """How long something must last before it is a group's status; None: as its own pace says."""


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

    Args:
        policy: what is to be measured.
        life: identity of the first life.
        now_ms: when it begins.
        kept: whether state is kept.
        budget: for the ledgers, shared with other gauges.
        sightings: remembers the trace ids of the stream's topic; None if nobody asks for them.
    """

    def __init__(  # noqa: PLR0913 - what streams of a process share comes from outside
        self,
        policy: StreamPolicy,
        life: str,
        now_ms: int,
        *,
        kept: bool = False,
        budget: LedgerBudget | None = None,
        sightings: FirstSightings | None = None,
    ) -> None:
        self.policy = policy
        self._sightings = sightings
        self.restored_ms: int | None = None
        """As of when the state was from which this process has gone on; None if from none."""
        self._evaluation = Evaluation(reported_checks(policy))
        self._levels: dict[tuple[tuple[str, ...], str], str] = {}
        self._blind: dict[str, Blind] = {}
        self._keeping = Keeping(group=None)
        self._groups = WatchedGroups(
            Demands(
                _limits(policy.checks, "lag"),
                _limits(policy.checks, "time_lag"),
                policy.status_for_ms,
                policy.poll_interval_ms,
            ),
            holds_ms=policy.poll_interval_ms + GRACE_MS,
            window_ms=policy.window_ms,
        )
        self._stream = Topic(
            policy.topic,
            now_ms,
            kept=kept,
            budget=budget,
            patience_ms=policy.poll_interval_ms + GRACE_MS,
        )
        named = tuple(group for group in policy.groups if not is_pattern(group))
        self._dead_letters = {
            each.topic: WatchedDeadLetters(
                each, policy.window_ms, now_ms, kept=kept, sightings=sightings
            )
            for each in policy.dead_letters
        }
        self._last_record_ms: int | None = None
        self._listening_since_ms: int | None = None
        self._listening = False
        self._life, self._life_start_ms = "", now_ms - 1
        self._resumed = 0
        self._open_life(life, now_ms)
        self._stream.reserve(named)
        self.watch(named)
        for topic in self._topics:
            self.blinded(f"topic {topic}", "not asked for yet", now_ms)
        for group in self._groups.names:
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
        is_another = self._life != life
        self._life, self._life_start_ms, self._life_reason = life, begun_ms, why
        for letters in self._dead_letters.values():
            letters.open_life(now_ms, is_another=is_another)
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
            self._groups.forget()
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
        if goes.life != self._life:
            self._groups.forget()  # of the log of another life, perhaps
        for (topic, number), state in goes.states.items():
            if topic in self._topics:
                self._topics[topic].restored(number, state, self._groups.names)
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
        self._groups.forget()
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
            self._dead_letters[topic].arrivals.remember(state.last_record_ms)

    def _renew(self, topics: Mapping[str, Topic]) -> None:
        self._stream = topics[self._stream.name]
        for name, letters in self._dead_letters.items():
            letters.go_on_with(topics[name])

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
            self._topics[captured.topic].settled(captured, state, self._groups.names)

    def last_arrival_ms(self, topic: str) -> int | None:
        """When the newest record of a topic came, None if unknown."""
        if topic == self._stream.name:
            return self._last_record_ms
        return self._dead_letters[topic].arrivals.last_ms

    @property
    def _topics(self) -> dict[str, Topic]:
        letters = {name: each.topic for name, each in self._dead_letters.items()}
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
            if self._sightings is not None:
                self._sightings.note(columns.contexts, columns.event_ms)
            return self._stream.fold(columns)
        self._dead_letters[columns.topic].fold(columns, self._stream)
        return None

    def shown(self, columns: Columns) -> Columns:
        """The same columns, where no trace is shown of dead letters that another stream counts."""
        if not columns.letters:
            return columns
        letters = self._dead_letters[columns.topic]
        own = [letters.is_own(letter) for letter in columns.letters]
        return columns if all(own) else replace(columns, sampled=columns.sampled & own)

    def origins_to_look_up(self, now_ms: int) -> dict[str, dict[int, list[int]]]:
        """Offsets by topic and partition of records that dead letters came from.

        Their event times would tell ages at death, and the stream's tail has not read them.
        """
        wanted: dict[str, dict[int, set[int]]] = {}
        for letters in self._dead_letters.values():
            for topic, partitions in letters.to_look_up(self._stream, now_ms).items():
                for number, offsets in partitions.items():
                    wanted.setdefault(topic, {}).setdefault(number, set()).update(offsets)
        return {
            topic: {number: sorted(offsets) for number, offsets in partitions.items()}
            for topic, partitions in wanted.items()
        }

    def origin_found(self, topic: str, partition: int, offset: int, event_ms: int | None) -> None:
        """The log was asked for the event time of this record; None: it has none, or is gone."""
        for letters in self._dead_letters.values():
            letters.found(topic, partition, offset, event_ms)

    def _remember_last_record(self, columns: Columns) -> None:
        """Receipt tells when a record came only while live; else only the append time does."""
        if not len(columns.offsets):
            return
        came_ms = columns.received_ms if columns.live else int(columns.append_ms.max())
        if came_ms != UNKNOWN:
            before_ms = self._last_record_ms
            self._last_record_ms = came_ms if before_ms is None else max(came_ms, before_ms)

    def passed(self, topic: str, partition: int, next_offset: int, *, lost: int = 0) -> None:
        """The position moved over offsets that gave no record."""
        self._topics[topic].passed(partition, next_offset, lost=lost)

    def undecodable(self, topic: str, partition: int, first_offset: int, records: int) -> None:
        """Records cannot be decoded; to be told before those are folded that come after them.

        In a dead letter topic each is one more dead letter that has arrived.
        """
        self._topics[topic].undecodable(partition, first_offset, records)
        if topic in self._dead_letters:
            self._dead_letters[topic].undecodable(records)

    def answered(self, topic: str, partition: int, end_offset: int, answered_ms: int) -> None:
        """A fetch was answered at that time and said where the partition's log ends."""
        self._topics[topic].answered(partition, end_offset, answered_ms)

    def watch(self, groups: Iterable[str]) -> None:
        """Consumer groups to show, whether or not their offsets were answered yet."""
        if self._groups.watch(groups):
            for topic in self._topics.values():
                topic.named(self._groups.names)

    def unwatch(self, groups: Collection[str]) -> None:
        """These consumer groups are gone; what they did stays in the totals."""
        self._groups.unwatch(groups)
        for group in groups:
            self._blind.pop(f"group {group}", None)

    @property
    def watched(self) -> tuple[str, ...]:
        """The consumer groups to ask for, those found by patterns included."""
        return self._groups.names

    def read_on(self, retention: Retention) -> None:
        """What is known of the life of the topic's records."""
        self._groups.retention = retention

    def members_live(self, groups: Collection[str], at_ms: int) -> None:
        """These groups had members when they were listed; of others that is not known."""
        self._groups.members_live(groups, at_ms)

    def hold_answers(self, holds_ms: int) -> None:
        """For so long an answer about a group is told while the next one is awaited."""
        self._groups.holds_ms = holds_ms

    def answers_hold_ms(self, now_ms: int) -> int:
        """After so long the next answer about a group is no longer told, at least 1."""
        left_ms = self._groups.hold_for_ms(now_ms)
        return self._groups.holds_ms if left_ms is None else left_ms + 1

    def refill(self, starts: Mapping[int, int]) -> None:
        """Records of the stream's topic from these offsets on are read again for the ledger."""
        for partition, start in starts.items():
            self._stream.refill(partition, start)

    def refilled(self, columns: Columns, undecoded: Iterable[Undecoded] = ()) -> None:
        """Records that were read again: they are in the totals already, or do not belong there.

        Args:
            columns: of one partition.
            undecoded: those among them that cannot be decoded.
        """
        self._stream.refilled(columns, undecoded)

    def refill_lost(self, partition: int, next_offset: int) -> None:
        """Retention deleted records before they were read again: it goes on at this offset."""
        self._stream.refill_lost(partition, next_offset)

    def refill_ended(self, partitions: Iterable[int]) -> None:
        """Nothing more is read again."""
        for partition in partitions:
            self._stream.refill_ended(partition)

    def to_look_up(
        self, committed: Iterable[CommittedOffsets], log: LogOffsets
    ) -> dict[int, list[int]]:
        """Offsets by partition whose first record would tell a group's time lag."""
        return self._groups.to_look_up(committed, log, self._stream)

    def found(self, partition: int, offset: int, found: Found) -> None:
        """What the log holds at or after an offset that was to be looked up."""
        self._groups.found(partition, offset, found)

    def offsets(self, committed: Iterable[CommittedOffsets], log: LogOffsets) -> None:
        """Committed offsets of groups and, fetched after them, the ends of the stream's log.

        A commit beyond the end belongs to another log: of this one the group has none.
        """
        for answer in committed:
            for partition, offset in answer.offsets.items():
                end = log.end.get(partition)
                if end is not None:
                    fits = None if offset is None or offset > end else offset
                    self._stream.committed(answer.group, partition, fits, answer.seen_at_ms)
            self._groups.answered(answer, log, self._stream, self._poisons(answer.group))

    @property
    def dead_letters(self) -> tuple[WatchedDeadLetters, ...]:
        """The dead letter topics, as configured."""
        return tuple(self._dead_letters.values())

    def _poisons(self, group: str) -> dict[int, int]:
        """Offsets by partition at which a record lies that is known to be poison to the group."""
        known: dict[int, int] = {}
        for letters in self.dead_letters:
            known.update(letters.poisons(self._stream.name, group))
        return known

    def starts(self, log: LogOffsets) -> None:
        """Where the log begins, after all groups have been told of: what lay before is deleted."""
        self._stream.deleted_before(log.start)

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
        for each in self._dead_letters.values():
            each.settle(self._stream, now_ms)
        partitions = self._stream.views()
        letters = {name: each.topic.views() for name, each in self._dead_letters.items()}
        letter_partitions = tuple(view for views in letters.values() for view in views)
        everything = partitions + letter_partitions
        totals = _sum(everything)
        completeness = self._completeness(now_ms)
        last = self._groups.last_views(self._stream, now_ms)
        letter_totals = {name: _sum(views) for name, views in letters.items()}
        for name, each in self._dead_letters.items():
            each.cut(now_ms, letter_totals[name], completeness)
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
                each.view(letter_totals[name], now_ms) for name, each in self._dead_letters.items()
            ),
            groups=last,
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
            ledger=self._stream.ledger,
            groups_without_ages=self._stream.groups_without_ages,
            sightings=None if self._sightings is None else self._sightings.view,
            processed_resolution_ms=self.policy.poll_interval_ms + GRACE_MS,
        )
        # a missing answer is no verdict: the checks judge by the last one until the group is blind
        verdicts = self._evaluation.evaluate(snapshot)
        groups = self._groups.views_at(last, now_ms)
        told = replace(snapshot, groups=groups, verdicts=verdicts)
        return Told(told, self._changed(verdicts), window)

    def is_behind(self, now_ms: int) -> bool:
        """Whether the stream's topic was not read to its end within the last second."""
        return self._stream.is_behind(now_ms)

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


def _limits(policies: Mapping[str, Policy], name: str) -> tuple[float, ...]:
    """What a check warns and fails at, ascending."""
    default = next(check.default for check in CHECKS if check.name == name)
    policy = policies.get(name, default)
    limits = (limit for limit in (policy.warn, policy.fail) if limit is not None)
    return tuple(sorted(limit.above for limit in limits if limit.above is not None))
