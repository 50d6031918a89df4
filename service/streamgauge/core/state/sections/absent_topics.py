"""Section 9: topics of the stream that did not exist when the state was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.sections.draft import read_keys, write_keys

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_absent_topics(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write the section."""
    out.append(len(state.absent_topics))
    write_keys(state.absent_topics, out)


def read_absent_topics(data: Reader, draft: Draft) -> None:
    """Read the section."""
    draft.fields["absent_topics"] = tuple(read_keys(data.byte(), data))
