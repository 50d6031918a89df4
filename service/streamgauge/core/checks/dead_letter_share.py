"""`dead_letter_share`: how many dead letters come for a hundred records of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.letters import counted, letters_of
from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.checks.window import window_blind
from streamgauge.core.wording import number
from streamgauge.model import Blind, LagBound, Level

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import DeadLetterTopicView, Snapshot


def share_percent(snapshot: Snapshot, view: DeadLetterTopicView) -> float | None:
    """Dead letters of the topic's last window, as percent of the stream's records in its last one.

    More than 100 where what died had come before the window. None while no window has ended, or
    if no record came in it.
    """
    records, letters = snapshot.last_window, view.last_window
    if records is None or letters is None or not records.totals.records:
        return None
    return 100 * letters.totals.dead_letters / records.totals.records


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    view = letters_of(snapshot, subject)
    value = share_percent(snapshot, view)
    return Measure(_text(snapshot, view, value), value, _blind(snapshot, view))


def _text(snapshot: Snapshot, view: DeadLetterTopicView, value: float | None) -> str:
    records, letters = snapshot.last_window, view.last_window
    if records is None or letters is None:
        return "no window has ended yet"
    died = letters.totals.dead_letters
    if value is None and not died:
        return f"{snapshot.topic} had no record in the last window"
    came = f"{counted(died, 'dead letter')} arrived on {view.topic} in the last window"
    if value is None:
        return f"{came}, and no record on {snapshot.topic}: of how many they are is not known"
    return f"{came}, {number(value)} % of {counted(records.totals.records, 'record')}"


def _blind(snapshot: Snapshot, view: DeadLetterTopicView) -> Blind | None:
    """What the last window of either topic cannot vouch for."""
    blind, what = window_blind(snapshot), f"topic {view.topic}"
    if blind is not None:
        return blind_about(snapshot, what) or blind
    if view.last_window is None:
        return Blind(what, snapshot.life_start_ms, "the first window has not ended yet")
    records = snapshot.last_window
    if records is not None and view.last_window.totals.dead_letters and not records.totals.records:
        none = f"there was no record on {snapshot.topic} in the last window to compare with"
        return Blind(what, records.start_ms, none)
    return None


DEAD_LETTER_SHARE = Check(
    name="dead_letter_share",
    judges=Judges.DEAD_LETTER_TOPICS,
    unit="%",
    description="Dead letters as a share of the stream's records, in the last window.",
    default=Policy(warn=Limit(above=1), fail=Limit(above=5), on_no_data=Level.PASS),
    measure=_measure,
    partly_blind=LagBound.UPPER,  # with the records that were not seen it would be less
)
