"""`time_lag`: how old the first record is that each watched consumer group has still to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.core.lag import has_committed
from streamgauge.core.wording import few, number
from streamgauge.model import LagBound

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup

_TOO_LITTLE: Final = {LagBound.LOWER, LagBound.UNKNOWN}
"""What is read so may be greater: it cannot pass."""


def _of_group(seen: SeenGroup) -> Measure:
    """The greatest of the partitions."""
    group, view, blind = seen.name, seen.view, seen.blind
    value = view.time_lag_seconds
    if blind is None and view.time_lag_bound in _TOO_LITTLE and has_committed(view):
        parts = view.partitions.items()
        missing = [each for each, part in parts if part.time_lag_bound in _TOO_LITTLE]
        blind = seen.not_known(f"its time lag is not known on partition {few(missing)}")
    text = seen.never_committed if blind is None else f"the time lag of {group} is not known"
    if value is not None:
        least = "at least " if view.time_lag_bound is LagBound.LOWER else ""
        text = f"the time lag of {group} is {least}{number(value)} s"
    return Measure(text, value, blind)


TIME_LAG = Check(
    name="time_lag",
    judges=Judges.GROUPS,
    unit="s",
    description="Age of the first record that a consumer group has still to read.",
    default=Policy(
        warn=Limit(above=60, for_ms=300_000),
        fail=Limit(above=300, for_ms=120_000),
        keep_failing_for_ms=120_000,
    ),
    measure=of_worst_group(_of_group),
)
