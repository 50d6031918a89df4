"""Section 4: all histograms, so that their bits are read and written in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.histogram import Histogram
from streamgauge.core.state import halving
from streamgauge.core.state.limits import AGES

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_ages(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write the section: arrival ages, then the processed ages of each group that has some."""
    processed = (group.processed for group in state.groups.values())
    histograms = [state.arrival_ages, *(each.ages for each in processed if each)]
    counts = np.stack([each.counts for each in histograms])
    out.append(len(histograms))
    out.row(each.sum_ms for each in histograms)
    out.row(counts.sum(axis=1).tolist())
    out += halving.written(counts)


def read_ages(data: Reader, draft: Draft) -> None:
    """Read the section; the processed ages wait in the draft for their groups."""
    size = data.byte()
    sums_ms, totals = data.row(size), data.row(size)
    if not totals or max(totals) >= AGES:
        raise data.damaged(f"says that histograms hold {totals} ages")
    rows = halving.read(np.array(totals, dtype=np.int64), data.rest())
    draft.fields["arrival_ages"], *draft.processed_ages = (
        Histogram(row, sum_ms) if total else Histogram(sum_ms=sum_ms)
        for row, sum_ms, total in zip(rows, sums_ms, totals, strict=True)
    )
