"""How long the records of a group took from event to arrival, and from there to its commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.growing import Growing
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamgauge.core.ledger import Times


@dataclass(slots=True)
class Worked(Growing):
    """Sums over the records that were aged, for means of what lies between two of them.

    Each time that would be negative enters as 0, as in the histograms of ages.
    """

    records: int = 0
    event_to_commit_ms: int = 0
    with_arrival: int = 0
    """Those of `records` whose arrival time is known; the two other sums are over these."""
    event_to_arrival_ms: int = 0
    arrival_to_commit_ms: int = 0

    def age(self, times: Times, seen_at_ms: int) -> None:
        """Count records that a group was seen to have passed.

        Args:
            times: of the records; those without event time are not counted.
            seen_at_ms: when that was seen.
        """
        event_ms, arrived_ms = times
        timed = event_ms != UNKNOWN
        if not timed.all():
            event_ms, arrived_ms = event_ms[timed], arrived_ms[timed]
        self.records += len(event_ms)
        self.event_to_commit_ms += _sum(seen_at_ms - event_ms)
        arrived = arrived_ms != UNKNOWN
        if not arrived.all():
            event_ms, arrived_ms = event_ms[arrived], arrived_ms[arrived]
        if len(arrived_ms):
            self.with_arrival += len(arrived_ms)
            self.event_to_arrival_ms += _sum(arrived_ms - event_ms)
            self.arrival_to_commit_ms += _sum(seen_at_ms - arrived_ms)


def _sum(apart_ms: NDArray[np.int64]) -> int:
    return int(np.maximum(apart_ms, 0).sum())
