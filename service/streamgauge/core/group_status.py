"""Status of a consumer group: its memory from one answered poll to the next, and the rules.

Rules, the first that holds decides; `for` is that of the configuration, or else the greater of 30 s
and 3 times the commit interval of the partition, where it has moved 12 times or more, else (and for
LAGGING) of the group: that of its slowest partition. While few moves were seen it is longer, up to
15 minutes (see `progress`).
1. UNKNOWN: nothing was answered yet, or the last answer is too old.
2. EMPTY: no partition has a committed offset, at 3 answers in a row where there was one. A
   partition without one is EMPTY and no more: nobody knows from where the group will read there.
3. STOPPED: a partition has stood (see `progress`) for at least `for`, and so long no commit of the
   group has moved.
4. STALLED, before 3 for the partition itself: it has stood for at least `for`, and another one
   moved when half of that was over, or the group has members that live. Partitions of a group that
   stops come to stand one after the other; half of `for` keeps that from being told as STALLED.
   It stays STALLED while the others have nothing to read. Members live if a listing says so that is
   at most 25 s old and was made when the partition had stood for 12 s: a consumer that leaves is
   still listed shortly after its last commit.
5. REWOUND: a partition is below its highest commit, and has been for at least `for`, or at 3
   answers in a row that showed more than one offset. It ends when the highest is reached again.
6. LAGGING: the group moves, its lag is known of every partition with a commit and was growing for
   at least `for`, and had a new highest value in the last half of that (see `lag_growth`).
7. UNKNOWN: the lag of a partition is not known, or the last answer left it out.
8. OK. A partition is never LAGGING: the slope is that of the group.
Nothing of 3 to 6 is told before the group was watched for `for`, or from one answer: how long
something lasts is counted from answer to answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from streamgauge.core import group_reason as reason
from streamgauge.core.lag_growth import LagGrowth
from streamgauge.core.progress import SHORTEST_FOR_MS, Progress, Sample, for_by_default_ms
from streamgauge.model import GroupStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GroupMemory", "Sample", "StatusVerdict"]

OWN_WAITS: Final = 12
"""A partition that has moved so often is held to a pace of its own."""
REWOUND_ANSWERS: Final = 3
LISTING_HOLDS_MS: Final = 25_000
"""So long a listing of the groups tells that members live: two of them, and some more."""
LISTED_AFTER_MS: Final = 12_000
"""What had stood for less when the groups were listed, may have left just afterwards."""
_WORST_FIRST: Final = (GroupStatus.STOPPED, GroupStatus.STALLED, GroupStatus.REWOUND)
_NO_POISONS: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StatusVerdict:
    """What a group is doing."""

    status: GroupStatus
    since_ms: int
    """Since when that is told."""
    reason: str
    """One sentence that a person on call understands."""
    partitions: Mapping[int, GroupStatus]


class GroupMemory:
    """What is remembered of one group on one topic."""

    __slots__ = (
        "_growth",
        "_interval_ms",
        "_interval_of_ms",
        "_known_commits",
        "_moved_ms",
        "_partitions",
        "_seen_ms",
        "_status",
        "_status_since_ms",
        "_waits",
        "_watched_ms",
        "begins_anew",
        "lag",
    )

    def __init__(self) -> None:
        self._status = GroupStatus.UNKNOWN
        self._status_since_ms: int | None = None
        self.forget()

    def forget(self) -> None:
        """The log is another one: nothing that was seen says anything about it."""
        self._partitions: dict[int, Progress] = {}
        self._watched_ms = self._seen_ms = 0
        self._moved_ms: int | None = None
        self._interval_ms: int | None = None
        self._interval_of_ms: int | None = None
        """The move after which it was counted."""
        self._waits = 0
        """Of the partition that has moved most often, when the interval was counted."""
        self.lag: int | None = None
        """Sum over the partitions with a commit; None while it is not known of all of them."""
        self.begins_anew = False
        """Whether the lag cannot be compared with that of before: other partitions have commits."""
        self._known_commits = 0
        """How many partitions had one when the lag was known last."""
        self._growth = LagGrowth()

    @property
    def commit_interval_ms(self) -> int | None:
        """How long the group's commits take while there is something to read.

        The greatest over the partitions; None while it is known of none.
        """
        if self._interval_of_ms != self._moved_ms:
            self._interval_of_ms = self._moved_ms
            known = [each for each in self._partitions.values() if each.waits > 1]
            self._interval_ms = max((each.interval_ms or 0 for each in known), default=None)
            self._waits = max((each.waits for each in known), default=0)
        return self._interval_ms

    def seen(self, samples: Mapping[int, Sample], seen_at_ms: int) -> None:
        """Take in what one answered poll said of the partitions; those left out are unknown."""
        partitions, before_ms = self._partitions, self._before(seen_at_ms)
        lag, commits, is_whole = 0, 0, len(samples) >= len(partitions)
        moved = joined = False
        for partition, sample in samples.items():
            progress = partitions.get(partition)
            was_empty = progress is None or progress.is_empty
            if progress is None:
                progress = partitions[partition] = Progress(sample, seen_at_ms)
            elif progress.seen(sample, seen_at_ms, before_ms):
                moved = True
            if progress.is_empty:
                continue
            commits += 1
            lag += sample.lag or 0
            is_whole = is_whole and progress.known
            joined = joined or (was_empty and sample.lag != 0)
        if len(samples) < len(partitions):
            is_whole = False
            for partition in partitions.keys() - samples.keys():
                partitions[partition].unanswered()
        self._seen_ms = seen_at_ms
        self.lag = lag if is_whole and commits else None
        self.begins_anew = joined or (is_whole and commits < self._known_commits)
        if is_whole:
            self._known_commits = commits
        if moved:
            self._moved_ms = seen_at_ms

    def status(  # noqa: PLR0913 - what is known of a group beside its answers
        self,
        now_ms: int,
        for_ms: int | None,
        *,
        lag_slope: float | None,
        fresh: bool,
        growth_ms: int = 0,
        members_ms: int | None = None,
        poisons: Mapping[int, int] = _NO_POISONS,
    ) -> StatusVerdict:
        """Judge the group by the rules of this module, once after every answer.

        Args:
            now_ms: The time of the verdict.
            for_ms: How long something must last; None takes the default.
            lag_slope: Records per second, 0 if it does not grow; None is unknown.
            fresh: Whether the last answer is recent enough to be told.
            growth_ms: So long the lag must grow at least: a single step may look like growth.
            members_ms: As of when members of the group are known to live; None is unknown.
            poisons: By partition the offset of a record known to be a dead letter's origin.
        """
        partitions = self._partitions
        if not fresh or not partitions:
            text = reason.unanswered(self._seen_ms if partitions else None)
            statuses = dict.fromkeys(partitions, GroupStatus.UNKNOWN)
            return self._told(GroupStatus.UNKNOWN, text, now_ms, statuses)
        if self.lag is not None:
            self._growth.seen(self.lag, lag_slope, self._seen_ms)
        statuses = {
            number: self._judged(progress, for_ms, members_ms)
            for number, progress in partitions.items()
        }
        status = self._decided(statuses, for_ms, growth_ms)
        concerned = {n: partitions[n] for n, each in statuses.items() if each is status}
        text = self._reason(status, concerned, lag_slope, poisons)
        return self._told(status, text, now_ms, statuses)

    def _judged(
        self, progress: Progress, for_ms: int | None, members_ms: int | None
    ) -> GroupStatus:
        if progress.is_empty and progress.answered:
            return GroupStatus.EMPTY
        if not progress.known:
            return GroupStatus.UNKNOWN
        since_ms, seen_ms, moved_ms = progress.stood_since_ms, self._seen_ms, self._moved_ms
        at_least_ms = SHORTEST_FOR_MS if for_ms is None else for_ms
        if since_ms is not None and seen_ms - since_ms >= at_least_ms:
            needed_ms = self._needed_ms(for_ms, progress)
            if seen_ms - since_ms >= needed_ms:
                others = moved_ms is not None and 2 * (moved_ms - since_ms) >= needed_ms
                if others or self._lives(since_ms, members_ms):
                    return GroupStatus.STALLED
                if moved_ms is None or seen_ms - moved_ms >= needed_ms:
                    return GroupStatus.STOPPED
        if progress.below_since_ms is not None:
            needed_ms = self._needed_ms(for_ms, progress)
            often = progress.below_answers >= REWOUND_ANSWERS and progress.below_moves
            since_ms = self._watched_ms if often else progress.below_since_ms
            if seen_ms - since_ms >= needed_ms:
                return GroupStatus.REWOUND
        return GroupStatus.OK

    def _lives(self, stood_since_ms: int, members_ms: int | None) -> bool:
        """Whether members are known to live, which had left it standing for a while by then."""
        if members_ms is None or abs(self._seen_ms - members_ms) > LISTING_HOLDS_MS:
            return False
        return members_ms - stood_since_ms >= LISTED_AFTER_MS

    def _needed_ms(self, for_ms: int | None, progress: Progress | None = None) -> int:
        """What `for` comes to; at least 1 ms, so that no single answer is enough."""
        if for_ms is not None:
            return max(for_ms, 1)
        if progress is not None and progress.waits >= OWN_WAITS:
            return progress.for_ms
        interval_ms = self.commit_interval_ms or 0
        return for_by_default_ms(interval_ms, self._waits)

    def _decided(
        self, statuses: Mapping[int, GroupStatus], for_ms: int | None, growth_ms: int
    ) -> GroupStatus:
        told = set(statuses.values())
        if told == {GroupStatus.EMPTY}:
            return GroupStatus.EMPTY
        for bad in _WORST_FIRST:
            if bad in told:
                return bad
        if self._is_lagging(for_ms, growth_ms):
            return GroupStatus.LAGGING
        return GroupStatus.UNKNOWN if GroupStatus.UNKNOWN in told else GroupStatus.OK

    def _is_lagging(self, for_ms: int | None, growth_ms: int) -> bool:
        if self.lag is None or self._growth.since_ms is None or self._moved_ms is None:
            return False
        needed_ms = self._needed_ms(for_ms)
        moves = self._seen_ms - self._moved_ms < needed_ms
        return moves and self._growth.lasted(max(needed_ms, growth_ms), self._seen_ms)

    def _reason(
        self,
        status: GroupStatus,
        concerned: Mapping[int, Progress],
        lag_slope: float | None,
        poisons: Mapping[int, int],
    ) -> str:
        seen_ms, moved_ms = self._seen_ms, self._moved_ms
        match status:
            case GroupStatus.STOPPED:
                text = reason.stopped(concerned, moved_ms, seen_ms)
            case GroupStatus.STALLED:
                text = reason.stalled(concerned, moved_ms, seen_ms, poisons)
            case GroupStatus.REWOUND:
                text = reason.rewound(concerned, seen_ms)
            case GroupStatus.LAGGING:
                text = reason.lagging(self._growth.since_ms, seen_ms, lag_slope)
            case GroupStatus.EMPTY:
                text = "it has no committed offset on any partition"
            case GroupStatus.UNKNOWN:
                text = reason.unknown(concerned)
            case _:
                text = reason.ok(self._partitions, moved_ms, seen_ms)
        return text

    def _told(
        self, status: GroupStatus, text: str, now_ms: int, statuses: Mapping[int, GroupStatus]
    ) -> StatusVerdict:
        if status is not self._status or self._status_since_ms is None:
            self._status, self._status_since_ms = status, now_ms
        self._status_since_ms = min(self._status_since_ms, now_ms)
        return StatusVerdict(status, self._status_since_ms, text, statuses)

    def _before(self, seen_at_ms: int) -> int:
        """When the answer before this one came."""
        if not self._partitions:
            self._watched_ms = seen_at_ms
        elif seen_at_ms < self._seen_ms:
            self._set_back(seen_at_ms)
            return seen_at_ms
        return self._seen_ms

    def _set_back(self, now_ms: int) -> None:
        """The clock was set back: times that it has not reached again are moved to now."""
        self._watched_ms = min(self._watched_ms, now_ms)
        if self._moved_ms is not None:
            self._moved_ms = min(self._moved_ms, now_ms)
        self._growth.set_back(now_ms)
        for progress in self._partitions.values():
            progress.set_back(now_ms)
