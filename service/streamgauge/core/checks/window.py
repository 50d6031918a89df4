"""When the last window says too little to let a check pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import blind_about
from streamgauge.model import Blind

if TYPE_CHECKING:
    from streamgauge.core.snapshot import Snapshot


def window_blind(snapshot: Snapshot) -> Blind | None:
    """What the last window cannot vouch for, None if it holds all that came."""
    what = f"topic {snapshot.topic}"
    window = snapshot.last_window
    if window is None:
        return blind_about(snapshot, what) or Blind(
            what, snapshot.life_start_ms, "the first window has not ended yet"
        )
    if window.completeness is None or window.completeness < 1:
        return blind_about(snapshot, what) or Blind(
            what, window.start_ms, "a part of the partitions was not seen in the last window"
        )
    return None
