"""`lag`: how many records each watched consumer group has still to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.core.lag import has_committed, known_lag, unknown_partitions
from streamgauge.core.wording import few

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup


def _of_group(seen: SeenGroup) -> Measure:
    """The sum over the partitions whose lag is known."""
    group, view, blind = seen.name, seen.view, seen.blind
    value, missing = known_lag(view), unknown_partitions(view)
    if blind is None and missing and has_committed(view):
        blind = seen.not_known(f"its lag is not known on partition {few(missing)}")
    text = seen.never_committed if blind is None else f"the lag of {group} is not known"
    if value is not None:
        text = f"the lag of {group} is {value:,} records"
    return Measure(text, value, blind)


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
    measure=of_worst_group(_of_group),
)
