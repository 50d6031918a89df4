"""Why a consumer group has its status: one sentence each, for a person on call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.wording import duration, few, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.core.progress import Progress


def unanswered(seen_ms: int | None) -> str:
    """Nothing was answered yet, or not of late."""
    if seen_ms is None:
        return "its committed offsets were never answered yet"
    return f"its committed offsets were last answered at {moment(seen_ms)}"


def unknown(partitions: Mapping[int, Progress]) -> str:
    """The lag of these partitions is not known, or nobody has answered about them."""
    return f"the lag of {_named(sorted(partitions))} is not known"


def stopped(partitions: Mapping[int, Progress], moved_ms: int | None, seen_ms: int) -> str:
    """All of these stand, and nothing else moves."""
    first, *more = _longest_first(partitions)
    since_ms = max(_stood_since(partitions[first]), moved_ms or 0)
    return (
        f"no commit has moved for {duration(seen_ms - since_ms)} while partition {first} "
        f"has something to read from offset {_offset(partitions[first])} on"
        f"{_also('has', 'have', more)}"
    )


def stalled(
    partitions: Mapping[int, Progress],
    moved_ms: int | None,
    seen_ms: int,
    poisons: Mapping[int, int],
) -> str:
    """These stand, and the group goes on elsewhere or has members that live."""
    first, *more = _longest_first(partitions)
    since_ms, offset = _stood_since(partitions[first]), _offset(partitions[first])
    go_on = moved_ms is not None and moved_ms > since_ms
    known = poisons.get(first) == offset
    return (
        f"partition {first} has stood at offset {offset} for {duration(seen_ms - since_ms)} "
        f"while {'others went on' if go_on else 'members of the group live'}"
        f"{' (the record there is known from a dead letter)' if known else ''}"
        f"{_also('has', 'have', more)}"
    )


def rewound(partitions: Mapping[int, Progress], seen_ms: int) -> str:
    """These were set back and have not got back yet."""
    first, *more = sorted(partitions, key=lambda each: (partitions[each].below_since_ms or 0, each))
    progress = partitions[first]
    ago = duration(seen_ms - (progress.below_since_ms or 0))
    return (
        f"partition {first} was set back below offset {progress.highest} {ago} ago "
        f"and has got to offset {progress.committed}{_also('was', 'were', more)}"
    )


def lagging(since_ms: int | None, seen_ms: int, lag_slope: float | None) -> str:
    """It moves, but its lag grows."""
    return (
        f"its lag has grown for {duration(seen_ms - (since_ms or 0))}, "
        f"by {number(lag_slope)} records per second now"
    )


def ok(partitions: Mapping[int, Progress], moved_ms: int | None, seen_ms: int) -> str:
    """Nothing is wrong, or nothing for long enough yet."""
    never = [n for n, each in partitions.items() if each.is_empty]
    standing = [
        (each.stood_since_ms, n)
        for n, each in partitions.items()
        if each.stood_since_ms is not None
    ]
    if standing:
        since_ms, first = min(standing)
        text = "it has something to read" if moved_ms is None else "it reads on"
        if since_ms < seen_ms and (moved_ms is None or moved_ms <= since_ms):
            text = f"partition {first} has stood at offset {_offset(partitions[first])}"
            text = f"{text} for only {duration(seen_ms - since_ms)} so far"
    else:
        text = "nothing is left to read"
    return f"{text}; no offset was committed on {_named(sorted(never))}" if never else text


def _named(numbers: Sequence[int]) -> str:
    return f"partition{'' if len(numbers) == 1 else 's'} {few(numbers)}"


def _also(singular: str, plural: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return ""
    return f", and so {singular if len(numbers) == 1 else plural} {_named(numbers)}"


def _longest_first(partitions: Mapping[int, Progress]) -> list[int]:
    return [n for _, n in sorted([(_stood_since(each), n) for n, each in partitions.items()])]


def _stood_since(progress: Progress) -> int:
    return progress.stood_since_ms or 0


def _offset(progress: Progress) -> int | None:
    return progress.committed if progress.first_unread is None else progress.first_unread
