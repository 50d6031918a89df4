"""`processed_age`: how old events are when each watched consumer group has finished them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.window import window_blind
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.core.totals import GroupTotals
from streamgauge.core.wording import number
from streamgauge.model import Level

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup


UNAGED_SHARE: Final = 0.01
"""Less than this of a window may be without age: a 99th percentile leaves out as much."""


def _of_group(seen: SeenGroup) -> Measure:
    """The 99th percentile of the processed ages of the last window.

    It cannot pass if no ages of the group are kept, or too many of the records have none.
    """
    group, window = seen.name, seen.snapshot.last_window
    blind = seen.blind or window_blind(seen.snapshot)
    if blind is None and group in seen.snapshot.groups_without_ages:
        blind = seen.not_known("its processed ages are not kept", seen.snapshot.life_start_ms)
        return Measure(f"the processed ages of {group} are not known", blind=blind)
    if window is None:
        return Measure(f"the processed ages of {group} are not known", blind=blind)
    passed = window.totals.groups.get(group, GroupTotals())
    value = passed.aged.quantile_seconds(0.99)
    text = f"{group} passed no record in the last window"
    if value is not None:
        text = f"the 99th percentile of the processed ages of {group} is {number(value)} s"
    everything = passed.unaged + passed.aged.count
    if blind is None and passed.unaged and passed.unaged >= UNAGED_SHARE * everything:
        reason = f"the age of {passed.unaged:,} of {everything:,} records is not known"
        blind = seen.not_known(reason, window.start_ms)
    return Measure(text, value, blind)


PROCESSED_AGE = Check(
    name="processed_age",
    judges=Judges.GROUPS,
    unit="s",
    description="99th percentile of the age of events when a consumer group has committed them, "
    "in the last window.",
    default=Policy(
        warn=Limit(above=60, for_ms=300_000),
        fail=Limit(above=300, for_ms=120_000),
        keep_failing_for_ms=120_000,
        on_no_data=Level.PASS,
    ),
    measure=of_worst_group(_of_group),
)
