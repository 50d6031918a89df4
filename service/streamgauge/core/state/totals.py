"""Between the state of a partition, whose groups have keys, and totals, whose groups have names.

A group whose name nobody knows at the moment stays in the state as it is, so that nothing shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.state.keys import group_key
from streamgauge.core.state.limits import AGED_GROUPS, COUNTED_GROUPS
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS, bounded, class_name_end
from streamgauge.core.state.partition_state import Cause, GroupState, PartitionState, ProcessedAges
from streamgauge.core.totals import GroupTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_NOBODY: Final[Mapping[str, int]] = MappingProxyType({})
_NO_NAMES: Final[Mapping[str, CauseName]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OfTotals:
    """A state made from totals, and whom its tables had no place for."""

    state: PartitionState
    groups_without_place: tuple[str, ...]
    """Names of groups of which nothing is kept."""
    groups_without_ages: tuple[str, ...]
    """Names of groups of which only the commits are kept."""


def groups_by_name(state: PartitionState, names: Iterable[str]) -> dict[str, GroupState]:
    """The groups of the state that are among these names."""
    keys = {name: group_key(name) for name in names}
    return {name: state.groups[key] for name, key in keys.items() if key in state.groups}


def cause_names(state: PartitionState, groups: Iterable[str]) -> dict[str, CauseName]:
    """What the causes of the state are called, by key; messages are not stored.

    Args:
        state: of a partition.
        groups: consumer groups that are known by name.
    """
    names = {group_key(name): name for name in groups}
    return {
        key: CauseName(key, names.get(cause.group or ""), cause.class_name, None)
        for key, cause in state.causes.items()
    }


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
        retrying=state.retrying,
        causes={key: cause.dead_letters for key, cause in state.causes.items()},
        other_causes=state.other_causes,
        arrival_ages=state.arrival_ages.copy(),
        death_ages=state.death_ages.copy(),
        append_to_death=state.append_to_death.copy(),
        groups={
            name: GroupTotals(
                group.committed,
                group.processed.ages.copy(),
                group.processed.reprocessed,
                group.processed.unaged,
            )
            if group.processed
            else GroupTotals(group.committed)
            for name, group in groups_by_name(state, names).items()
        },
    )


def of_totals(  # noqa: PLR0913 - a state is made of as much
    totals: Totals,
    before: PartitionState,
    position: int,
    highest_commits: Mapping[str, int],
    aged_to: Mapping[str, int] = _NOBODY,
    *,
    takers: Collection[str] = (),
    causes: Mapping[str, CauseName] = _NO_NAMES,
) -> OfTotals:
    """The state with these totals.

    Places are taken first come, first served, and never freed within a life: who had one before
    keeps it, whether or not it is watched any more.

    Args:
        totals: what the records up to `position` amount to; they must not change any more.
        before: the state that they grew from; all that totals do not tell is taken from it.
        position: offset up to which records are counted.
        highest_commits: highest committed offset seen, by group name.
        aged_to: how far its records are aged, of every group of which a commit was seen.
        takers: names of groups that may take a free place for their processed ages, the first ones
            first.
        causes: what the causes in the totals are called, by key.

    Raises:
        ValueError: naming the value that no state can hold.
    """
    groups = dict(before.groups)
    free = AGED_GROUPS - sum(group.processed is not None for group in groups.values())
    without_place: list[str] = []
    without_ages: list[str] = []
    named = (name for name in takers if name in totals.groups)
    for name in dict.fromkeys((*named, *totals.groups)):
        of_name, key = totals.groups[name], group_key(name)
        known = groups.get(key, GroupState(None, 0))
        processed = known.processed
        if processed is None and free and name in takers:
            processed, free = ProcessedAges(None, of_name.aged), free - 1
        if processed is None:
            if key not in groups and _counted(groups) >= COUNTED_GROUPS:
                without_place.append(name)
                continue
            without_ages.append(name)
        elif name in aged_to:  # of others no commit was seen by this process: nothing has changed
            processed = ProcessedAges(
                aged_to[name], of_name.aged, of_name.reprocessed, of_name.unaged
            )
        highest = highest_commits.get(name, known.highest_commit)
        groups[key] = GroupState(highest, of_name.committed, processed)
    counts: dict[str, Any] = {name: getattr(totals, name) for name in COUNTERS}
    for table, names in NAMED_COUNTS.items():
        counts[table] = bounded(getattr(totals, table), names)
    state = replace(
        before,
        position=position,
        arrival_ages=totals.arrival_ages,
        death_ages=totals.death_ages,
        append_to_death=totals.append_to_death,
        groups=groups,
        causes={
            key: _cause(causes.get(key), count, before.causes.get(key))
            for key, count in totals.causes.items()
        },
        other_causes=totals.other_causes,
        retrying=totals.retrying,
        **counts,
    )
    return OfTotals(state, tuple(without_place), tuple(without_ages))


def _cause(name: CauseName | None, dead_letters: int, before: Cause | None) -> Cause:
    """What nobody knows by name at the moment stays as it is."""
    class_name, _, group = before or Cause("", 0)
    if name is not None:
        class_name = class_name_end(name.error_class)
        group = group if name.consumer_group is None else group_key(name.consumer_group)
    return Cause(class_name, dead_letters, group)


def _counted(groups: Mapping[str, GroupState]) -> int:
    return sum(group.processed is None for group in groups.values())
