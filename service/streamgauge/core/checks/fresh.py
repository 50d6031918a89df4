"""`fresh`: how long the stream has been silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Asset, Check, Limit, Measure, Policy, blind_about
from streamgauge.core.wording import duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot) -> Iterator[Measure]:
    """Seconds since the newest record, or since the gauge began to watch.

    Silence that nobody listened to is none: a blind gauge has heard it up to when it went blind.
    """
    last_ms = snapshot.last_record_ms
    blind = blind_about(snapshot, f"topic {snapshot.topic}")
    heard_ms = snapshot.as_of_ms if blind is None else min(blind.since_ms, snapshot.as_of_ms)
    silent_ms = max(0, heard_ms - (snapshot.life_start_ms if last_ms is None else last_ms))
    since = (
        f"the last record came at {moment(last_ms)}"
        if last_ms is not None
        else f"no record since the gauge began to watch at {moment(snapshot.life_start_ms)}"
    )
    yield Measure(
        asset_key=snapshot.asset_key,
        text=f"{snapshot.topic} has been silent for {duration(silent_ms)}: {since}",
        value=silent_ms / 1000,
        blind=blind,
    )


FRESH = Check(
    name="fresh",
    asset=Asset.STREAM,
    unit="s",
    description="Silence of the stream: time since its newest record arrived.",
    default=Policy(
        warn=Limit(above=300),
        fail=Limit(above=900),
    ),
    measure=_measure,
)
