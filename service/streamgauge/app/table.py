"""Rows of text under each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell; words at the end of a short row count nothing.

    Args:
        rows: the first one has all columns.
    """
    columns = len(rows[0])
    full = [row if len(row) == columns else row[:-1] for row in rows]
    widths = [max(len(row[at]) for row in full if len(row) > at) for at in range(columns)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join(cells).rstrip()
