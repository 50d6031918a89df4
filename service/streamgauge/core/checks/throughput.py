"""`throughput`: how many records come per second; it demands nothing until a floor is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Asset, Check, Measure, Policy
from streamgauge.core.checks.window import window_blind
from streamgauge.core.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.snapshot import Snapshot


def _measure(snapshot: Snapshot) -> Iterator[Measure]:
    """Records per second of the last window."""
    window, value, text = snapshot.last_window, None, "no window has ended yet"
    if window is not None:
        value = 1000 * window.totals.records / (window.end_ms - window.start_ms)
        text = f"{snapshot.topic} brought {number(value)} records a second"
    yield Measure(
        asset_key=snapshot.asset_key, text=text, value=value, blind=window_blind(snapshot)
    )


THROUGHPUT = Check(
    name="throughput",
    asset=Asset.STREAM,
    unit="records/s",
    description="Records per second in the last window, against a floor.",
    default=Policy(),
    measure=_measure,
)
