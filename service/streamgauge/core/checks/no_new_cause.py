"""`no_new_cause`: whether dead letters came for a cause that this life had not seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.letters import cause_named, counted, letters_of
from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.wording import duration

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import CauseView, DeadLetterTopicView, Snapshot

_NAMED: Final = 3
"""New causes that the reason names."""


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Causes whose first dead letter of this life came within the last window length."""
    view = letters_of(snapshot, subject)
    text = _text(view)
    if not view.new_causes:
        text = f"no new cause on {view.topic} within {duration(snapshot.window_ms)}"
    return Measure(text, view.new_causes, blind_about(snapshot, f"topic {view.topic}"))


def _text(view: DeadLetterTopicView) -> str:
    """The newest ones by name, and how many more there are."""
    new = sorted((each for each in view.causes if each.is_new), key=_newest_first)
    names = [cause_named(each) for each in new[: min(_NAMED, view.new_causes)]]
    more = view.new_causes - len(names)
    if not names:
        names = [f"{counted(more, 'cause')} on {view.topic}"]
    elif more:
        names.append(f"{more:,} more")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    verb = "was" if view.new_causes == 1 else "were"
    return f"{listed} {verb} never seen before in this life"


def _newest_first(cause: CauseView) -> int:
    return -(cause.first_ms or 0)


NO_NEW_CAUSE = Check(
    name="no_new_cause",
    judges=Judges.DEAD_LETTER_TOPICS,
    unit="causes",
    description="Causes of dead letters that this life had not seen before, in one window length.",
    default=Policy(warn=Limit(above=0), keep_failing_for_ms=600_000),
    measure=_measure,
)
