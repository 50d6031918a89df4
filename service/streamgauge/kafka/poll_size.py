"""How much one poll asks for, so that it stays a small piece of work whatever batches hold."""

from __future__ import annotations

from typing import Final

FEWEST_BATCHES: Final = 8
MOST_BATCHES: Final = 4_096
MOST_RECORDS: Final = 500
"""Where records come one by one: of more at once Python's garbage collector would make more work
than the reading itself."""


class PollSize:
    """Asks for as many batches as should hold what a poll aims at.

    Args:
        batches: Whether batches can be had.
        records: What a poll aims at.

    Attributes:
        most: What to ask for: batches, or records where batches cannot be had.
    """

    def __init__(self, records: int, *, batches: bool) -> None:
        self._batches = batches
        self._records = records
        self.most = FEWEST_BATCHES if batches else MOST_RECORDS

    def learn(self, batches: int, records: int) -> None:
        """Take in how many records the batches of one poll held."""
        if self._batches and records:
            fitting = self._records * batches // records
            self.most = min(max(fitting, FEWEST_BATCHES), MOST_BATCHES)
