"""`throughput`: how many records come per second; it demands nothing until a floor is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Measure, Policy
from streamgauge.core.checks.window import window_blind
from streamgauge.core.wording import number

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Records per second of the last window."""
    window, value, text = snapshot.last_window, None, "no window has ended yet"
    if window is not None:
        value = 1000 * window.totals.records / (window.end_ms - window.start_ms)
        text = f"{subject.name} brought {number(value)} records a second"
    return Measure(text, value, window_blind(snapshot))


THROUGHPUT = Check(
    name="throughput",
    judges=Judges.TOPIC,
    unit="records/s",
    description="Records per second in the last window, against a floor.",
    default=Policy(),
    measure=_measure,
)
