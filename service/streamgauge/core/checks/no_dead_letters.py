"""`no_dead_letters`: whether anything arrived in a dead letter topic; arrivals, never depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Asset, Check, Limit, Measure, Policy, blind_about
from streamgauge.core.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot) -> Iterator[Measure]:
    """Dead letters that arrived within the last window length, for each dead letter topic."""
    period = duration(snapshot.window_ms)
    for view in snapshot.dead_letters:
        letters = "dead letter" if view.recent == 1 else "dead letters"
        yield Measure(
            asset_key=view.asset_key,
            text=f"{view.recent:,} {letters} arrived on {view.topic} within {period}",
            value=view.recent,
            blind=blind_about(snapshot, f"topic {view.topic}"),
        )


NO_DEAD_LETTERS = Check(
    name="no_dead_letters",
    asset=Asset.DEAD_LETTERS,
    unit="dead letters",
    description="Arrivals in a dead letter topic within one window length.",
    default=Policy(fail=Limit(above=0), keep_failing_for_ms=600_000),
    measure=_measure,
)
