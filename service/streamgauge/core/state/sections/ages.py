"""Section 4: the arrival ages, and the processed ages of the groups that have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.sections.histograms import read_histograms, write_histograms

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_ages(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write the section: arrival ages, then the processed ages of each group that has some."""
    processed = (group.processed for group in state.groups.values())
    histograms = [state.arrival_ages, *(each.ages for each in processed if each)]
    out.append(len(histograms))
    write_histograms(histograms, out)


def read_ages(data: Reader, draft: Draft) -> None:
    """Read the section; the processed ages wait in the draft for their groups."""
    draft.fields["arrival_ages"], *draft.processed_ages = read_histograms(data.byte(), data)
