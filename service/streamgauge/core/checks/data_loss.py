"""`data_loss`: records that retention deleted before a watched consumer group read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.core.lag import has_committed
from streamgauge.core.wording import duration
from streamgauge.model import Level

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup


def _of_group(seen: SeenGroup) -> Measure:
    """What was seen of it within the last window length."""
    group, lost = seen.name, seen.view.lost_recently
    period = duration(seen.snapshot.window_ms)
    if not lost and not has_committed(seen.view):
        return Measure(seen.never_committed, blind=seen.blind)
    records = "1 record" if lost == 1 else f"{lost:,} records"
    text = f"retention deleted {records} within {period} that {group} had not read"
    return Measure(text, lost, seen.blind)


DATA_LOSS = Check(
    name="data_loss",
    judges=Judges.GROUPS,
    unit="records",
    description="Records that retention deleted within one window length before a consumer group "
    "had read them.",
    default=Policy(
        fail=Limit(above=0),
        keep_failing_for_ms=600_000,
        on_no_data=Level.PASS,
    ),
    measure=of_worst_group(_of_group),
)
