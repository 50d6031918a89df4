"""Words for the one line that Dagster shows of a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 300
"""Characters of a reason that are repeated."""


def some(things: Sequence[str], most: int = 5, comma: str = ", ") -> str:
    """The first few, and how many more there are: `a, b and 5 more`."""
    more = len(things) - most
    also = f"{comma.rstrip().strip(',')} and {more} more" if more > 0 else ""
    return comma.join(things[:most]) + also


def counted(count: int, unit: str) -> str:
    """So many of what a report counts: `1 record`, `1,200 records`."""
    return f"{count:,} {unit.removesuffix('s') if count == 1 else unit}"


def shortened(reason: str) -> str:
    """The beginning of a long reason."""
    return reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…"
