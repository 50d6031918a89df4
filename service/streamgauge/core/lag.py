"""Lag of a consumer group in records, from its committed offsets and the ends of the log.

Ends that are older than the committed offsets would understate it: it is then unknown. Rules for
one partition:
1. Without a known end the lag is unknown.
2. Without a committed offset it is 0 where the log holds nothing, else unknown: nobody can know
   from where the group will read.
3. A committed offset or a start beyond the end does not fit this log (truncated, or written anew):
   unknown.
4. Below the start offset only what still exists counts: end - start.
5. Else end - committed. It is an upper bound, because control records, aborted and compacted data
   take up offsets too; 0 is exact.
A group's lag is the sum over the partitions, and unknown as soon as one of them is.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from streamgauge.core.snapshot import GroupPartitionView, GroupView
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.model import CommittedOffsets, LogOffsets


def partition_lag(
    committed: int | None, start: int | None, end: int | None
) -> tuple[int | None, LagBound]:
    """The lag in records and how it is to be read, by the rules of this module."""
    if end is None:
        return None, LagBound.UNKNOWN
    if committed is None:
        return (0, LagBound.EXACT) if start == end else (None, LagBound.UNKNOWN)
    first = committed if start is None else max(start, committed)
    if first > end:
        return None, LagBound.UNKNOWN
    lag = end - first
    return lag, LagBound.UPPER if lag else LagBound.EXACT


def group_view(
    partitions: Iterable[int], committed: CommittedOffsets | None, log: LogOffsets | None
) -> GroupView:
    """A group on all partitions of its topic; whatever was not answered is unknown."""
    offsets = {} if committed is None else committed.offsets
    starts, ends = ({}, {}) if log is None else (log.start, log.end)
    in_order = committed is not None and log is not None and committed.seen_at_ms <= log.seen_at_ms
    lag, bound = None, LagBound.UNKNOWN
    views = {}
    for partition in sorted(partitions):
        offset, end = offsets.get(partition), ends.get(partition)
        if in_order:
            lag, bound = partition_lag(offset, starts.get(partition), end)
        views[partition] = GroupPartitionView(offset, end, lag, bound, None, LagBound.UNKNOWN)
    lag, bound = _sum(views)
    return GroupView(
        status=GroupStatus.UNKNOWN,
        lag=lag,
        lag_bound=bound,
        time_lag_seconds=None,
        time_lag_bound=LagBound.UNKNOWN,
        as_of_ms=None if committed is None else committed.seen_at_ms,
        partitions=views,
    )


def _sum(views: Mapping[int, GroupPartitionView]) -> tuple[int | None, LagBound]:
    known = [view.lag for view in views.values() if view.lag is not None]
    never = all(view.committed_offset is None for view in views.values())
    if never or len(known) < len(views):
        return None, LagBound.UNKNOWN
    exact = all(view.lag_bound is LagBound.EXACT for view in views.values())
    return sum(known), LagBound.EXACT if exact else LagBound.UPPER


def has_committed(view: GroupView) -> bool:
    """Whether the group has a committed offset on any partition."""
    return any(part.committed_offset is not None for part in view.partitions.values())


def known_lag(view: GroupView) -> int | None:
    """Sum over the partitions whose lag is known; None if it is known of none.

    None also if the group has committed nowhere.
    """
    known = [part.lag for part in view.partitions.values() if part.lag is not None]
    return sum(known) if known and has_committed(view) else None


def lag_of(view: GroupView) -> int | None:
    """The group's lag, or what of it is known; nothing known, and a known part of 0, are None."""
    return known_lag(view) or None if view.lag is None else view.lag


def worst_first(groups: Mapping[str, GroupView]) -> list[str]:
    """The names of the groups, the greatest lag first and unknown ones last."""
    return greatest_first({name: lag_of(view) for name, view in groups.items()})


def greatest_first(lags: Mapping[str, int | None]) -> list[str]:
    """The names of what has these lags, the greatest first and unknown ones last."""

    def badness(name: str) -> tuple[int, str]:
        lag = lags[name]
        return (1 if lag is None else -lag, name)

    return sorted(lags, key=badness)


def unknown_partitions(view: GroupView) -> list[int]:
    """The partitions on which the group's lag is not known."""
    return [number for number, part in view.partitions.items() if part.lag is None]


def is_pattern(group: str) -> bool:
    """Whether a configured group is a pattern (`*`, `?`, `[`) and not a name."""
    return any(sign in group for sign in "*?[")


def matching(group: str, names: Iterable[str]) -> list[str]:
    """The names that a configured group or pattern means, sorted."""
    return sorted(name for name in names if fnmatchcase(name, group))
