"""Which records a group has passed, and between which ages each of them must be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .record_of_truth import GroupHistory, Log, Row, Span


class Age(NamedTuple):
    """The processed age of one record, in seconds: not below `lo`, not above `hi`."""

    lo: float
    hi: float


@dataclass
class Passed:
    """What became of the records that a group could read since its first commit."""

    aged: list[Age] = field(default_factory=list)
    """Of records that have an age, without doubt."""
    unwatched: list[Age] = field(default_factory=list)
    """Of records that were passed while nobody watched: aged or unaged, but counted."""
    optional: list[Age] = field(default_factory=list)
    """Of records that need not be counted: compacted away before they were passed, or passed by a
    commit that was taken back at once."""
    lost: int = 0
    """Records that were deleted before they were passed."""
    unread: int = 0
    """Records that are there and not passed yet."""
    moved: int = 0
    """Offsets from the first commit to the highest one."""


def passed(
    history: GroupHistory, log: Log, patience_seconds: float, gaps: Iterable[Span] = ()
) -> Passed:
    """Follow a group over a topic.

    Args:
        history: all commits of the group; counting begins at its first one on this topic.
        log: the topic.
        patience_seconds: how much later than it happened a passing may be seen: the poll interval
            and 0.2 s. A commit that is taken back sooner may go unseen.
        gaps: when nobody watched.
    """
    result = Passed()
    gaps = tuple(gaps)
    for number, columns in log.columns().items():
        commits = list(_commits(history, log, number))
        offsets = [offset for _, offset in commits if offset >= 0]
        if not offsets:
            continue
        begun_at = offsets[0]
        result.moved += max(offsets) - begun_at
        for row in columns.rows():
            if row.offset >= begun_at and math.isfinite(row.from_hi):
                _follow(result, row, commits, patience_seconds, gaps, compacted=log.compacted)
    return result


def _commits(history: GroupHistory, log: Log, number: int) -> Iterator[tuple[Span, int]]:
    """When the group committed what on a partition; -1 where it has no commit any more."""
    for state in history.states:
        yield state.since, state.offsets.get(number, -1) if state.log is log else -1


def _follow(
    result: Passed,
    row: Row,
    commits: list[tuple[Span, int]],
    patience_seconds: float,
    gaps: tuple[Span, ...],
    *,
    compacted: bool,
) -> None:
    beyond = [at for at, (_, offset) in enumerate(commits) if offset > row.offset]
    gone = math.isfinite(row.gone_hi)
    if not beyond:
        result.lost += gone and not compacted
        result.unread += not gone
        return
    first = commits[beyond[0]][0]
    lo = max(first.lo, row.from_lo)
    seen = _first_seen(beyond, commits, patience_seconds)
    hi = max((seen or first).hi, row.from_hi) + patience_seconds
    age = Age(max(0.0, lo - row.event), max(0.0, hi - row.event))
    if row.gone_lo < first.hi:  # it went before it was passed
        if compacted:
            result.optional.append(age)
        else:
            result.lost += 1
    elif seen is None:
        result.optional.append(age)
    elif any(gap.lo <= hi and lo <= gap.hi for gap in gaps):
        result.unwatched.append(age)
    else:
        result.aged.append(age)


def _first_seen(
    beyond: list[int], commits: list[tuple[Span, int]], patience_seconds: float
) -> Span | None:
    """The first commit beyond a record after which it stayed passed for so long as to be seen."""
    passing = set(beyond)
    start: Span | None = None
    for at, (since, _) in enumerate(commits):
        if at not in passing:
            if start is not None and since.lo - start.hi >= patience_seconds:
                return start
            start = None
        elif start is None:
            start = since
    return start
