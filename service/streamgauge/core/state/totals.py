"""Between the state of a partition, whose groups have keys, and totals, whose groups have names.

A group whose name nobody knows at the moment stays in the state as it is, so that nothing shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from streamgauge.core.state.keys import group_key
from streamgauge.core.state.limits import AGED_GROUPS, COUNTED_GROUPS
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS, bounded
from streamgauge.core.state.partition_state import GroupState, PartitionState, ProcessedAges
from streamgauge.core.totals import GroupTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class OfTotals:
    """A state made from totals, and whom its tables had no place for."""

    state: PartitionState
    groups_without_place: tuple[str, ...]
    """Names of groups of which nothing is kept."""
    groups_without_ages: tuple[str, ...]
    """Names of groups that have processed ages, of which only the commits are kept."""


def groups_by_name(state: PartitionState, names: Iterable[str]) -> dict[str, GroupState]:
    """The groups of the state that are among these names."""
    keys = {name: group_key(name) for name in names}
    return {name: state.groups[key] for name, key in keys.items() if key in state.groups}


def totals_of(state: PartitionState, names: Iterable[str]) -> Totals:
    """The totals that the state holds.

    Args:
        state: of a partition.
        names: consumer groups that are known; groups of other names are absent.
    """
    counts: dict[str, Any] = {name: getattr(state, name) for name in COUNTERS}
    counts |= {table: dict(getattr(state, table)) for table in NAMED_COUNTS}
    return Totals(
        **counts,
        arrival_ages=state.arrival_ages.copy(),
        groups={
            name: GroupTotals(group.committed, group.processed.ages.copy())
            if group.processed
            else GroupTotals(group.committed)
            for name, group in groups_by_name(state, names).items()
        },
    )


def of_totals(
    totals: Totals,
    before: PartitionState,
    position: int,
    highest_commits: Mapping[str, int],
    aged_groups: Sequence[str] = (),
) -> OfTotals:
    """The state with these totals.

    Places are taken first come, first served, and never lost: who had one before keeps it.

    Args:
        totals: what the records up to `position` amount to; they must not change any more.
        before: the state that they grew from; all that totals do not tell is taken from it.
        position: offset up to which records are counted.
        highest_commits: highest committed offset seen, by group name.
        aged_groups: names of groups whose processed ages are to be kept, the first ones first.

    Raises:
        ValueError: naming the value that no state can hold.
    """
    groups = dict(before.groups)
    free = AGED_GROUPS - sum(group.processed is not None for group in groups.values())
    without_place: list[str] = []
    without_ages: list[str] = []
    named = (name for name in aged_groups if name in totals.groups)
    for name in dict.fromkeys((*named, *totals.groups)):
        of_name, key = totals.groups[name], group_key(name)
        known = groups.get(key, GroupState(None, 0))
        processed = known.processed
        if processed is None and free and name in aged_groups:
            processed, free = ProcessedAges(None, of_name.aged), free - 1
        if processed is not None:
            processed = processed._replace(ages=of_name.aged)
        elif key not in groups and _counted(groups) >= COUNTED_GROUPS:
            without_place.append(name)
            continue
        elif of_name.aged.count:
            without_ages.append(name)
        highest = highest_commits.get(name, known.highest_commit)
        groups[key] = GroupState(highest, of_name.committed, processed)
    counts: dict[str, Any] = {name: getattr(totals, name) for name in COUNTERS}
    for table, names in NAMED_COUNTS.items():
        counts[table] = bounded(getattr(totals, table), names)
    state = replace(
        before, position=position, arrival_ages=totals.arrival_ages, groups=groups, **counts
    )
    return OfTotals(state, tuple(without_place), tuple(without_ages))


def _counted(groups: Mapping[str, GroupState]) -> int:
    return sum(group.processed is None for group in groups.values())
