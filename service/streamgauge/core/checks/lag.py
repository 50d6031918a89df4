"""`lag`: how many records each watched consumer group has still to read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.lag import has_committed, known_lag, matching, unknown_partitions
from streamgauge.core.wording import few
from streamgauge.model import Blind

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import GroupView, Snapshot

ANSWER_HOLDS_MS: Final = 120_000
"""So long an answered poll tells a group's lag, inclusive: two polls at the longest interval."""


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Of the worst of the groups that the configured name or pattern stands for."""
    name = subject.name
    groups = {group: snapshot.groups[group] for group in matching(name, snapshot.groups)}
    measures = [_of_group(snapshot, name, group, view) for group, view in groups.items()]
    if measures:
        return _worst(measures)
    text = f"no consumer group that the gauge may see matches {name}"
    return Measure(text, blind=blind_about(snapshot, f"group {name}"))


def _worst(measures: list[Measure]) -> Measure:
    """The greatest lag of these groups, which cannot be vouched for if one of them cannot."""
    worst = max(measures, key=_badness)
    blind = worst.blind or next((each.blind for each in measures if each.blind), None)
    return replace(worst, blind=blind)


def _badness(measure: Measure) -> tuple[float, bool]:
    """A greater lag is worse; of equal ones the one that cannot be vouched for."""
    return (-1 if measure.value is None else measure.value, measure.blind is not None)


def _of_group(snapshot: Snapshot, name: str, group: str, view: GroupView) -> Measure:
    value = known_lag(view)
    blind = blind_about(snapshot, f"group {group}") or _unknown(snapshot, group, view)
    if value is not None:
        text = f"the lag of {group} is {value:,} records"
    elif blind is not None:
        text = f"the lag of {group} is not known"
    else:
        text = f"{group} has no committed offset on {snapshot.topic}"
    if blind is not None and group != name:
        blind = replace(blind, reason=f"{blind.what}: {blind.reason}")
    return Measure(text, value, blind)


def _unknown(snapshot: Snapshot, group: str, view: GroupView) -> Blind | None:
    """Why the view does not tell the lag of all partitions as it is now, None if it does."""
    what, as_of_ms = f"group {group}", view.as_of_ms
    if as_of_ms is None:
        return Blind(what, snapshot.life_start_ms, "its committed offsets were not answered yet")
    since_ms = min(as_of_ms, snapshot.as_of_ms)
    if abs(snapshot.as_of_ms - as_of_ms) > ANSWER_HOLDS_MS:  # after a clock was set back also ahead
        return Blind(what, since_ms, "its lag was not answered since then")
    missing = unknown_partitions(view)
    if missing and has_committed(view):
        return Blind(what, since_ms, f"its lag is not known on partition {few(missing)}")
    return None


LAG = Check(
    name="lag",
    judges=Judges.GROUPS,
    unit="records",
    description="Records that a consumer group has still to read, summed over partitions.",
    default=Policy(
        warn=Limit(above=10_000, for_ms=300_000),
        fail=Limit(above=100_000, for_ms=120_000),
        keep_failing_for_ms=120_000,
    ),
    measure=_measure,
)
