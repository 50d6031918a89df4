"""`lag`: how many records each watched consumer group has still to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Asset, Check, Limit, Measure, Policy, blind_about
from streamgauge.core.lag import known_lag, matching, unknown_partitions
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot) -> Iterator[Measure]:
    """One measure for each configured group or pattern; of a pattern, its worst group's."""
    for name in snapshot.watched_groups:
        groups = matching(name, snapshot.groups)
        measures = [_of_group(snapshot, name, group) for group in groups]
        if measures:
            yield max(measures, key=_badness)
        else:
            yield Measure(snapshot.asset_key, f"no consumer group matches {name}", name=name)


def _of_group(snapshot: Snapshot, name: str, group: str) -> Measure:
    view = snapshot.groups[group]
    value = known_lag(view)
    blind = blind_about(snapshot, f"group {group}")
    missing = unknown_partitions(view)
    if value is None:
        text = f"{group} has no committed offset on {snapshot.topic}"
    else:
        text = f"the lag of {group} is {value:,} records"
        if missing and blind is None:
            since_ms = snapshot.life_start_ms
            reason = f"the lag of {group} is not known on partitions {missing}"
            blind = Blind(f"group {group}", since_ms, reason)
    return Measure(snapshot.asset_key, text, value, blind, name)


def _badness(measure: Measure) -> tuple[float, bool]:
    """A greater lag is worse; of equal ones the one that cannot be vouched for."""
    return (-1 if measure.value is None else measure.value, measure.blind is not None)


LAG = Check(
    name="lag",
    asset=Asset.STREAM,
    unit="records",
    description="Records that a consumer group has still to read, summed over partitions.",
    default=Policy(
        warn=Limit(above=10_000, for_ms=300_000),
        fail=Limit(above=100_000, for_ms=120_000),
        keep_failing_for_ms=120_000,
    ),
    measure=_measure,
)
