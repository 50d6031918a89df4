"""How numbers, durations and moments are worded in the sentences that people read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_MAX: Final = 64
"""Characters of a name that comes from outside."""
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"))


def duration(milliseconds: int) -> str:
    """The two greatest units of a duration: `850 ms`, `42 s`, `5 m`, `1 h 30 m`."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    counts = []
    for size, unit in _UNITS:
        count, milliseconds = divmod(milliseconds, size)
        counts.append((count, unit))
    first = next(at for at, (count, _) in enumerate(counts) if count)
    return " ".join(f"{count} {unit}" for count, unit in counts[first : first + 2] if count)


def moment(at_ms: int | None) -> str:
    """A time as `2026-01-31T12:34:56Z`; `?` where it is unknown or outside the calendar."""
    if at_ms is None:
        return "?"
    try:
        return datetime.fromtimestamp(at_ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "?"


def few(numbers: Sequence[int]) -> str:
    """The first ten of these numbers, and how many more there are: `0, 1, 2 and 5 more`."""
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return ", ".join(str(each) for each in numbers[:10]) + more


def number(value: float | None) -> str:
    """A number with thousands separated and at most three digits after the point."""
    if value is None:
        return "?"
    text = f"{value:,.3f}"
    return text.rstrip("0").rstrip(".")


def one_line(name: str) -> str:
    """A name that fits between backticks on one line."""
    shown = "".join(each if each.isprintable() and each != "`" else "?" for each in name)
    return shown if len(shown) <= NAME_MAX else f"{shown[: NAME_MAX - 1]}…"
