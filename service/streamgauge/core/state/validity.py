"""What a state can hold: whoever makes another one is told which value is wrong."""

from __future__ import annotations

import re
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.core.histogram import SIZE
from streamgauge.core.state.limits import (
    ABSENT_TOPICS,
    AGED_GROUPS,
    AGES,
    CAUSES,
    CLASS_NAME_BYTES,
    COUNT,
    COUNTED_GROUPS,
    OFFSET,
    OTHER_LAGS,
)
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS, code_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import TypeAlias

    from streamgauge.core.state.partition_state import PartitionState

    _Numbers: TypeAlias = "Mapping[str, Collection[int | None]]"

_counters: Final = attrgetter(*COUNTERS)
_GREATEST_AGE_MS: Final = 2**63 - 1
_are_keys: Final = re.compile(r"(?:[0-9a-f]{16},)*").fullmatch


def check(state: PartitionState) -> None:
    """Refuse a state that its text could not hold.

    Raises:
        ValueError: naming the value.
    """
    tables = (state.groups, state.causes, state.present_lags, state.absent_topics)
    of_causes = (each.group for each in state.causes.values() if each.group is not None)
    _check_keys((state.life, state.writer, *chain.from_iterable(tables), *of_causes))
    _check_tables(state)
    _check_names(state)
    _check_below(OFFSET, _offsets(state))
    _check_below(COUNT, _counts(state))
    arrived, *died = _check_histograms(state)
    _check_kind(state, arrived, died)


def _check_keys(keys: Iterable[str]) -> None:
    if not _are_keys(",".join((*keys, ""))):
        raise ValueError(f"{keys} must be 16 lower-case hexadecimal digits each")


def _check_tables(state: PartitionState) -> None:
    aged = sum(group.processed is not None for group in state.groups.values())
    others = len(state.present_lags.keys() - state.groups.keys())
    for what, size, limit in (
        ("groups with processed ages", aged, AGED_GROUPS),
        ("groups without", len(state.groups) - aged, COUNTED_GROUPS),
        ("causes", len(state.causes), CAUSES),
        ("present lags of other groups", others, OTHER_LAGS),
        ("absent topics", len(state.absent_topics), ABSENT_TOPICS),
    ):
        if size > limit:
            raise ValueError(f"{size} {what}; a state holds at most {limit}")
    for cause in state.causes.values():
        if len(cause.class_name.encode()) > CLASS_NAME_BYTES:
            raise ValueError(
                f"{cause.class_name[:40]!a}... is longer than {CLASS_NAME_BYTES} bytes"
            )


def _check_names(state: PartitionState) -> None:
    for table, names in NAMED_COUNTS.items():
        for name in getattr(state, table):
            if code_of(name, names) is None:
                raise ValueError(f"{table}: {name[:40]!a} has no code; count it as `other`")


def _offsets(state: PartitionState) -> _Numbers:
    groups, lags = state.groups.values(), state.present_lags.values()
    return {
        "life start": (state.life_start_ms,),
        "position": (state.start_position, state.position),
        "version": (state.version,),
        "time": (state.as_of_ms, state.last_record_ms),
        "highest commit": [group.highest_commit for group in groups],
        "committed": [group.committed for group in groups],
        "aged to": [group.processed.aged_to for group in groups if group.processed],
        "lag": [lag.lag for lag in lags],
        "time lag": [lag.time_lag_ms for lag in lags],
    }


def _counts(state: PartitionState) -> _Numbers:
    processed = [group.processed for group in state.groups.values() if group.processed]
    return {
        "counter": _counters(state),
        **{table: getattr(state, table).values() for table in NAMED_COUNTS},
        "reprocessed": [each.reprocessed for each in processed],
        "unaged of a group": [each.unaged for each in processed],
        "dead letters of a cause": [cause.dead_letters for cause in state.causes.values()],
        "dead letters of other causes": (state.other_causes,),
        "retrying": (state.retrying,),
    }


def _check_below(limit: int, numbers: _Numbers) -> None:
    known = [number for number in chain.from_iterable(numbers.values()) if number is not None]
    if not 0 <= min(known) <= max(known) < limit:
        bad = {
            what: number
            for what, some in numbers.items()
            for number in some
            if number is not None and not 0 <= number < limit
        }
        raise ValueError(f"{bad}: must be at least 0 and less than {limit}")


def _check_histograms(state: PartitionState) -> list[int]:
    """How many ages there are: on arrival, at death, and from append to death."""
    processed = [group.processed for group in state.groups.values() if group.processed]
    of_partition = (state.arrival_ages, state.death_ages, state.append_to_death)
    histograms = [*of_partition, *(each.ages for each in processed)]
    for each in histograms:
        if each.counts.dtype != np.int64 or each.counts.shape != (SIZE,):
            raise ValueError(f"counts of {each.counts.dtype}{each.counts.shape} are not the layout")
    counts = np.array([each.counts for each in histograms])
    if not 0 <= int(counts.min()) <= int(counts.max()) < AGES:
        raise ValueError(f"counts of a histogram must be at least 0 and less than {AGES}")
    totals: list[int] = counts.sum(axis=1).tolist()
    for ages, histogram in zip(totals, histograms, strict=True):
        if ages >= AGES or not 0 <= histogram.sum_ms <= ages * _GREATEST_AGE_MS:
            raise ValueError(f"{ages} ages of {histogram.sum_ms} ms in all are in no histogram")
    return totals[: len(of_partition)]


def _check_kind(state: PartitionState, arrived: int, died: Iterable[int]) -> None:
    """Both together may not fit; no partition has both, for no stream is its own dead letters.

    Causes without groups may stand beside either: texts of formats 2 and 3 could hold them.
    """
    at_death, since_append = died
    of_stream = {"groups": bool(state.groups), "arrival ages": arrived > 0}
    of_deaths = {
        "retrying": state.retrying > 0,
        "ages at death": at_death > 0,
        "times from append to death": since_append > 0,
        "groups of causes": any(each.group is not None for each in state.causes.values()),
    }
    if any(of_stream.values()) and any(of_deaths.values()):
        held = [what for what, some in {**of_stream, **of_deaths}.items() if some]
        raise ValueError(
            f"{', '.join(held)}: a state holds groups and arrival ages of a stream's partition, or "
            "deaths of a dead letter partition, and not both"
        )
