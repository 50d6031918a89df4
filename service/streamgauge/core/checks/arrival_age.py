"""`arrival_age`: how old events are when they arrive in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.window import window_blind
from streamgauge.core.wording import number
from streamgauge.model import Blind, Level

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """The 99th percentile of the arrival ages of the last window."""
    topic, window = subject.name, snapshot.last_window
    blind = window_blind(snapshot)
    value = None if window is None else window.totals.arrival_ages.quantile_seconds(0.99)
    text = f"{topic} had no record in the last window"
    if value is not None:
        text = f"the 99th percentile of the arrival ages of {topic} is {number(value)} s"
    elif window is not None and window.totals.records and blind is None:
        records = f"{window.totals.records:,} records"
        blind = Blind(f"topic {topic}", window.start_ms, f"the age of {records} is not known")
    return Measure(text, value, blind)


ARRIVAL_AGE = Check(
    name="arrival_age",
    judges=Judges.TOPIC,
    unit="s",
    description="99th percentile of the age of events on arrival, in the last window.",
    default=Policy(
        warn=Limit(above=60, for_ms=60_000),
        fail=Limit(above=300, for_ms=120_000),
        on_no_data=Level.PASS,
    ),
    measure=_measure,
)
