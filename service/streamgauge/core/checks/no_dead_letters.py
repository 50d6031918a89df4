"""`no_dead_letters`: whether anything arrived in a dead letter topic; arrivals, never depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.letters import letters_of
from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.dead_letters.sentence import dead_letters_sentence
from streamgauge.core.wording import duration

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Dead letters that arrived within the last window length."""
    view = letters_of(snapshot, subject)
    text = f"0 dead letters arrived on {view.topic} within {duration(snapshot.window_ms)}"
    if view.recent:
        text = dead_letters_sentence(view, snapshot.window_ms)
    return Measure(text, view.recent, blind_about(snapshot, f"topic {view.topic}"))


NO_DEAD_LETTERS = Check(
    name="no_dead_letters",
    judges=Judges.DEAD_LETTER_TOPICS,
    unit="dead letters",
    description="Arrivals in a dead letter topic within one window length.",
    default=Policy(fail=Limit(above=0), keep_failing_for_ms=600_000),
    measure=_measure,
)
