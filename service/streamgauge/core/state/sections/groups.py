"""Sections 5 and 6: the consumer groups that are kept, and how far their records are aged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.partition_state import GroupState, ProcessedAges
from streamgauge.core.state.sections.draft import read_group_keys, read_keys, write_keys

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_groups(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write section 5."""
    groups = state.groups.values()
    out.append(len(groups))
    write_keys(state.groups, out)
    out.maybe_row(group.highest_commit for group in groups)
    out.row(group.committed for group in groups)


def read_groups(data: Reader, draft: Draft) -> None:
    """Read section 5."""
    size = data.byte()
    draft.group_keys = read_keys(size, data)
    groups = map(GroupState, data.maybe_row(size), data.row(size))
    draft.fields["groups"] = dict(zip(draft.group_keys, groups, strict=True))


def write_processed(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write section 6; its histograms are in section 4."""
    places = enumerate(state.groups.values())
    aged = [(place, group.processed) for place, group in places if group.processed]
    out.append(len(aged))
    out += bytes(place for place, _ in aged)
    out.maybe_row(each.aged_to for _, each in aged)
    out.row(each.reprocessed for _, each in aged)
    out.row(each.unaged for _, each in aged)


def read_processed(data: Reader, draft: Draft) -> None:
    """Read section 6: every histogram finds its group."""
    size = data.byte()
    keys = read_group_keys(size, data, draft)
    if size != len(draft.processed_ages):
        raise data.damaged(f"has {size} groups for {len(draft.processed_ages)} histograms")
    aged_to, reprocessed, unaged = data.maybe_row(size), data.row(size), data.row(size)
    processed = map(ProcessedAges, aged_to, draft.processed_ages, reprocessed, unaged)
    groups = draft.fields["groups"]
    for key, each in zip(keys, processed, strict=True):
        groups[key] = GroupState(groups[key].highest_commit, groups[key].committed, each)
    draft.processed_ages = []
