"""Histograms of one section side by side, so that their bits are read and written in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.histogram import Histogram
from streamgauge.core.state import halving
from streamgauge.core.state.limits import AGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.core.state.rows import Reader, Writer


def write_histograms(histograms: Sequence[Histogram], out: Writer) -> None:
    """Their sums in a row, their numbers of ages in a row, and their splits."""
    counts = np.stack([each.counts for each in histograms])
    out.row(each.sum_ms for each in histograms)
    out.row(counts.sum(axis=1).tolist())
    out += halving.written(counts)


def read_histograms(size: int, data: Reader) -> list[Histogram]:
    """So many histograms: all that is left of the section.

    Raises:
        StateDamagedError: if bytes are missing, there is none, or one holds too many ages.
        ValueError: if the splits are none of these histograms.
    """
    sums_ms, totals = data.row(size), data.row(size)
    if not totals or max(totals) >= AGES:
        raise data.damaged(f"says that histograms hold {totals} ages")
    rows = halving.read(np.array(totals, dtype=np.int64), data.rest())
    return [
        Histogram(row, sum_ms) if total else Histogram(sum_ms=sum_ms)
        for row, sum_ms, total in zip(rows, sums_ms, totals, strict=True)
    ]
