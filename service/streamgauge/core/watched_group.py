"""A consumer group that is watched: what its last answer says, and what follows from those before.

All values are as of the moment at which its committed offsets were answered. They are told for so
long as the next answer may take; after that nothing is known of the group.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.arrivals import Arrivals
from streamgauge.core.forecast import Limits, forecast
from streamgauge.core.group_status import GroupMemory, Sample
from streamgauge.core.lag import group_view
from streamgauge.core.pace import PaceMeter
from streamgauge.core.slope import LOOK_BACK_MS, Slope
from streamgauge.core.snapshot import Forecast, GroupPartitionView, Pace
from streamgauge.core.unread import NOTHING_KNOWN
from streamgauge.model import GroupStatus, LagBound

STEP_MS: Final = 30_000
"""So long the edge of a single step of the lag may look like growth."""
KEPT_UP_SHARE: Final = 0.1
"""A lag that grows by less than this share of what comes grows because more comes."""
_WHOLE: Final = {LagBound.EXACT, LagBound.UPPER}

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.pace import Reading
    from streamgauge.core.snapshot import GroupView
    from streamgauge.core.unread import Unread
    from streamgauge.model import CommittedOffsets


@dataclass(frozen=True, slots=True)
class Demands:
    """What a group's course is held against."""

    lag_limits: tuple[float, ...]
    """What the check `lag` warns and fails at, ascending."""
    time_lag_limits: tuple[float, ...]
    """The same of `time_lag`, in seconds."""
    for_ms: int | None
    """How long something must last before it is a status; None: as the group's own pace says."""
    poll_interval_ms: int = 1_000
    """How far answers lie apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one poll says of the group."""

    committed: CommittedOffsets
    ends: Mapping[int, int]
    """End offset by partition."""
    unread: Mapping[int, Unread]
    """By partition; all of the topic's."""
    reading: Reading
    lost: int
    retention_seconds: float | None
    """None if nothing is deleted by age, or nobody knows."""
    members_ms: int | None = None
    """As of when members of the group are known to live; None is unknown."""
    poisons: Mapping[int, int] = field(default_factory=dict)
    """Offset by partition of a record that is known to be poison to the group."""


class WatchedGroup:
    """One group on the stream's topic, from poll to poll."""

    def __init__(self, window_ms: int) -> None:
        self._lost, self._losses = 0, Arrivals(window_ms)
        self._memory = GroupMemory()
        self._lag, self._time_lag = Slope(), Slope()
        self._pace = PaceMeter()
        self._view: GroupView | None = None

    def answered(self, answer: Answer, demands: Demands) -> None:
        """Take in one poll."""
        at_ms = answer.committed.seen_at_ms
        offsets, memory = answer.committed.offsets, self._memory
        memory.seen(
            {
                number: Sample(offsets[number], each.lag, each.first_offset)
                for number, each in answer.unread.items()
                if number in offsets
            },
            at_ms,
        )
        view = group_view(offsets, answer.ends, at_ms, answer.unread)
        if memory.begins_anew:
            self._lag.forget()
            self._time_lag.forget()
        look_back_ms = self._look_back_ms(demands)
        lag_slope = _slope(self._lag, memory.lag, at_ms, look_back_ms)
        seconds = None if memory.lag is None else _whole_seconds(view)
        time_lag_slope = _slope(self._time_lag, seconds, at_ms, look_back_ms)
        self._pace.add(answer.reading)
        pace = self._pace.pace()
        self._losses.add(max(0, answer.lost - self._lost), at_ms)
        self._lost = answer.lost
        verdict = memory.status(
            at_ms,
            demands.for_ms,
            lag_slope=self._growth(lag_slope, time_lag_slope, pace.in_per_second),
            fresh=True,
            growth_ms=STEP_MS,
            members_ms=answer.members_ms,
            poisons=answer.poisons,
        )
        self._view = replace(
            view,
            status=verdict.status,
            status_reason=verdict.reason,
            status_since_ms=verdict.since_ms,
            partitions={
                number: _with_status(part, verdict.partitions.get(number, GroupStatus.UNKNOWN))
                for number, part in view.partitions.items()
            },
            lost=answer.lost,
            pace=pace,
            forecast=forecast(
                view.lag,
                lag_slope,
                view.time_lag_seconds,
                time_lag_slope,
                limits=Limits(
                    _next_limit(demands.lag_limits, view.lag),
                    _next_limit(demands.time_lag_limits, view.time_lag_seconds),
                ),
                retention_seconds=answer.retention_seconds,
            ),
        )

    def _growth(
        self, lag_slope: float | None, time_lag_slope: float | None, in_per_second: float | None
    ) -> float | None:
        """The slope of the lag, 0 where it is none of a group that falls behind.

        While more and more comes, what has still to be read grows with it though it is read as soon
        as ever. So unless the time lag grows too, the slope has to be a part of what comes.
        """
        if lag_slope is None or lag_slope <= 0:
            return lag_slope
        behind = time_lag_slope is not None and time_lag_slope > 0
        behind = behind or lag_slope >= KEPT_UP_SHARE * (in_per_second or 0)
        return lag_slope if behind and self._lag.goes_on() else 0.0

    def _look_back_ms(self, demands: Demands) -> int:
        """It has to hold some answers, and two commits, or slopes would follow single ones."""
        commits_ms = 2 * (self._memory.commit_interval_ms or 0)
        return max(LOOK_BACK_MS, 10 * demands.poll_interval_ms, commits_ms)

    @property
    def as_of_ms(self) -> int | None:
        """When the last answer came."""
        return None if self._view is None else self._view.as_of_ms

    def last_view(self, partitions: Iterable[int], now_ms: int) -> GroupView:
        """As the last answer left it, however long ago that was; partitions are the topic's."""
        if self._view is not None:
            return replace(self._view, lost_recently=self._losses.recent(now_ms))
        return group_view({}, {}, None, dict.fromkeys(partitions, NOTHING_KNOWN))


def _with_status(part: GroupPartitionView, status: GroupStatus) -> GroupPartitionView:
    """As `replace` gives it in three times the time, of which there may be 100,000 a second."""
    return GroupPartitionView(
        part.committed_offset,
        part.end_offset,
        part.lag,
        part.lag_bound,
        part.time_lag_seconds,
        part.time_lag_bound,
        part.first_unread_offset,
        status,
    )


def _slope(slope: Slope, value: float | None, at_ms: int, look_back_ms: int) -> float | None:
    """After one more value; while the whole is not known nor is a slope."""
    if value is None:
        return None
    slope.look_back_ms = look_back_ms
    slope.add(value, at_ms)
    return slope.per_second()


def _whole_seconds(view: GroupView) -> float | None:
    """The time lag if it is known of every partition with a commit, else None."""
    if view.time_lag_bound in _WHOLE:
        return view.time_lag_seconds
    parts = [part for part in view.partitions.values() if part.committed_offset is not None]
    if any(part.time_lag_bound not in _WHOLE for part in parts):
        return None
    known = (part.time_lag_seconds for part in parts)
    return max((seconds for seconds in known if seconds is not None), default=None)


def _next_limit(limits: tuple[float, ...], value: float | None) -> float | None:
    """The first one that is not reached yet, else the last one."""
    ahead = (limit for limit in limits if value is None or value < limit)
    return next(ahead, limits[-1] if limits else None)


def view_at(view: GroupView, now_ms: int, holds_ms: int) -> GroupView:
    """What of a view still holds.

    Args:
        view: as an answer left it.
        now_ms: the time.
        holds_ms: so long after an answer the next one may take.
    """
    as_of_ms = view.as_of_ms
    if as_of_ms is None or abs(now_ms - as_of_ms) <= holds_ms:
        return view
    return _unknown(view)


def _unknown(view: GroupView) -> GroupView:
    """The view when nobody has answered for too long: offsets and time tell what was seen last."""
    return replace(
        view,
        status=GroupStatus.UNKNOWN,
        status_reason="its committed offsets, or the ends of the log, are not answered",
        status_since_ms=view.as_of_ms,
        lag=None,
        lag_bound=LagBound.UNKNOWN,
        time_lag_seconds=None,
        time_lag_bound=LagBound.UNKNOWN,
        partitions={
            number: replace(
                part,
                lag=None,
                lag_bound=LagBound.UNKNOWN,
                time_lag_seconds=None,
                time_lag_bound=LagBound.UNKNOWN,
                first_unread_offset=None,
                status=GroupStatus.UNKNOWN,
            )
            for number, part in view.partitions.items()
        },
        pace=Pace(),
        forecast=Forecast(),
    )
