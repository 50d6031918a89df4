"""`fresh`: how long the stream has been silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy, blind_about
from streamgauge.core.wording import duration, moment
from streamgauge.model import Blind

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot, subject: Subject) -> Measure:
    """Seconds since the newest record, or since the gauge began to listen.

    Silence that nobody listened to is none: a blind gauge has heard it up to when it went blind.
    """
    topic, listening_ms = subject.name, snapshot.listening_since_ms
    blind = blind_about(snapshot, f"topic {topic}")
    if listening_ms is None:
        blind = blind or Blind(f"topic {topic}", snapshot.life_start_ms, "it was not seen yet")
        return Measure(f"{topic} was not seen yet", blind=blind)
    began_ms = listening_ms
    since = f"no record since the gauge began to listen at {moment(listening_ms)}"
    last_ms = snapshot.last_record_ms
    if last_ms is not None and last_ms >= listening_ms:
        began_ms, since = last_ms, f"the last record came at {moment(last_ms)}"
    heard_ms = snapshot.as_of_ms if blind is None else min(blind.since_ms, snapshot.as_of_ms)
    silent_ms = max(0, heard_ms - began_ms)
    return Measure(
        text=f"{topic} has been silent for {duration(silent_ms)}: {since}",
        value=silent_ms / 1000,
        blind=blind,
    )


FRESH = Check(
    name="fresh",
    judges=Judges.TOPIC,
    unit="s",
    description="Silence of the stream: time since its newest record arrived.",
    default=Policy(
        warn=Limit(above=300),
        fail=Limit(above=900),
    ),
    measure=_measure,
)
