"""A record is live if its partition had been caught up just before the record was received."""

from __future__ import annotations

from typing import Final

LIVE_WITHIN_MS: Final = 1_000
"""How long after its partition was last caught up a record still counts as live, inclusive."""


class Liveness:
    """Whether the records of one partition arrive live.

    Only an answered fetch shows that a partition is caught up; a partition nobody has answered
    for is not. Live says nothing of how old the event is.
    """

    __slots__ = ("_caught_up_ms",)

    def __init__(self) -> None:
        self._caught_up_ms: int | None = None

    def answered(self, *, next_offset: int, end_offset: int, answered_ms: int) -> None:
        """Take in an answered fetch, after the records it carried were asked about.

        Args:
            next_offset: Offset after the records read so far.
            end_offset: End offset as this answer said it.
            answered_ms: When the answer arrived.
        """
        if next_offset >= end_offset:
            self._caught_up_ms = answered_ms

    def is_live(self, received_ms: int) -> bool:
        """Tell whether records received at this time are live.

        A clock that was set back by more than the limit makes them not live: how long ago the
        partition was caught up is then not known.
        """
        if self._caught_up_ms is None:
            return False
        return abs(received_ms - self._caught_up_ms) <= LIVE_WITHIN_MS
