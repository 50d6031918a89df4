"""`no_dead_letters`: whether anything arrived in a dead letter topic; arrivals, never depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.wording import duration

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Dead letters that arrived within the last window length."""
    topic, period = subject.name, duration(snapshot.window_ms)
    recent = next(view.recent for view in snapshot.dead_letters if view.topic == topic)
    letters = "dead letter" if recent == 1 else "dead letters"
    return Measure(
        text=f"{recent:,} {letters} arrived on {topic} within {period}",
        value=recent,
        blind=blind_about(snapshot, f"topic {topic}"),
    )


NO_DEAD_LETTERS = Check(
    name="no_dead_letters",
    judges=Judges.DEAD_LETTER_TOPICS,
    unit="dead letters",
    description="Arrivals in a dead letter topic within one window length.",
    default=Policy(fail=Limit(above=0), keep_failing_for_ms=600_000),
    measure=_measure,
)
