"""Lag of a consumer group, in records and in time, as the sum or the worst of its partitions.

1. Of a group that has committed nowhere nothing is known.
2. The lag in records is the sum over the partitions, the time lag the greatest of them.
3. Where it is not known of a partition, what is known of the others is a lower bound; a known part
   of 0 tells nothing.
4. The sum is exact if all its parts are, else an upper bound; the same for the time.
What one partition's lag is, stands in `unread`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from streamgauge.core.snapshot import GroupPartitionView, GroupView
from streamgauge.core.unread import NOTHING_KNOWN, PartitionLog, unread
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from streamgauge.core.unread import Unread
    from streamgauge.model import CommittedOffsets, LogOffsets


def group_view(
    offsets: Mapping[int, int | None],
    ends: Mapping[int, int],
    as_of_ms: int | None,
    unread_by_partition: Mapping[int, Unread],
) -> GroupView:
    """A group on all partitions of its topic; whatever was not answered is unknown.

    Args:
        offsets: committed offsets by partition.
        ends: end offsets by partition.
        as_of_ms: when the committed offsets were answered.
        unread_by_partition: of all partitions of the topic.
    """
    views = {
        number: GroupPartitionView(
            offsets.get(number),
            ends.get(number),
            each.lag,
            each.lag_bound,
            each.time_lag_seconds,
            each.time_lag_bound,
            each.first_offset,
        )
        for number, each in sorted(unread_by_partition.items())
    }
    lag, lag_bound, seconds, time_bound = None, LagBound.UNKNOWN, None, LagBound.UNKNOWN
    if any(part.committed_offset is not None for part in views.values()):
        lags = [part.lag for part in views.values()]
        lag, lag_bound = _whole(lags, [part.lag_bound for part in views.values()], sum)
        times = [part.time_lag_seconds for part in views.values()]
        seconds, time_bound = _whole(times, [part.time_lag_bound for part in views.values()], max)
    return GroupView(
        status=GroupStatus.UNKNOWN,
        lag=lag,
        lag_bound=lag_bound,
        time_lag_seconds=seconds,
        time_lag_bound=time_bound,
        as_of_ms=as_of_ms,
        partitions=views,
    )


def group_of_log(
    partitions: Iterable[int], committed: CommittedOffsets | None, log: LogOffsets | None
) -> GroupView:
    """A group of which nothing but offsets is known: each offset may be a record."""
    numbers = sorted(partitions)
    if committed is None or log is None:
        offsets = {} if committed is None else committed.offsets
        ends = {} if log is None else log.end
        as_of_ms = None if committed is None else committed.seen_at_ms
        return group_view(offsets, ends, as_of_ms, dict.fromkeys(numbers, NOTHING_KNOWN))
    unread_by_partition = dict.fromkeys(numbers, NOTHING_KNOWN)
    if in_order(committed, log):
        for number in numbers:
            of = PartitionLog(log.start.get(number), log.end.get(number))
            offset = committed.offsets.get(number)
            unread_by_partition[number] = unread(offset, of, committed.seen_at_ms)
    return group_view(committed.offsets, log.end, committed.seen_at_ms, unread_by_partition)


def in_order(committed: CommittedOffsets, log: LogOffsets) -> bool:
    """Whether the ends were asked for after the commits: only then a lag is not too small."""
    return committed.seen_at_ms <= log.seen_at_ms


_Known = TypeVar("_Known", int, float)


def _whole(
    parts: Collection[_Known | None],
    bounds: Iterable[LagBound],
    put_together: Callable[[Iterable[_Known]], _Known],
) -> tuple[_Known | None, LagBound]:
    """Rules 2 to 4."""
    known = [part for part in parts if part is not None]
    whole = put_together(known) if known else None
    of = set(bounds)
    if len(known) < len(parts) or LagBound.LOWER in of:
        return (whole, LagBound.LOWER) if whole else (None, LagBound.UNKNOWN)
    if whole is None:
        return None, LagBound.UNKNOWN
    return whole, LagBound.EXACT if of == {LagBound.EXACT} else LagBound.UPPER


def has_committed(view: GroupView) -> bool:
    """Whether the group has a committed offset on any partition."""
    return any(part.committed_offset is not None for part in view.partitions.values())


def known_lag(view: GroupView) -> int | None:
    """Sum over the partitions whose lag is known; None if it is known of none.

    None also if the group has committed nowhere.
    """
    known = [part.lag for part in view.partitions.values() if part.lag is not None]
    return sum(known) if known and has_committed(view) else None


def worst_first(groups: Mapping[str, GroupView]) -> list[str]:
    """The names of the groups, the greatest lag first and unknown ones last."""
    return greatest_first({name: view.lag for name, view in groups.items()})


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
