"""Whether it is worth trying to read a partition's batches as a whole."""

from __future__ import annotations

from typing import Final

MOST_PAUSE: Final = 64
"""Polls of a partition that are left out at most after one that could not be read as a whole."""


class WholeBatches:
    """Waits longer after each failure in a row: what is odd mostly stays so, and costs twice."""

    def __init__(self) -> None:
        self._pauses: dict[int, tuple[int, int]] = {}
        """By partition: polls still to be left out, and how many were after the last failure."""

    def may_try(self, partition: int) -> bool:
        """Whether to try at this poll."""
        left, pause = self._pauses.get(partition, (0, 0))
        if not left:
            return True
        self._pauses[partition] = left - 1, pause
        return False

    def failed(self, partition: int) -> None:
        """It had to be read again, record by record."""
        _, pause = self._pauses.get(partition, (0, 0))
        longer = min(2 * pause or 1, MOST_PAUSE)
        self._pauses[partition] = longer, longer

    def succeeded(self, partition: int) -> None:
        """It was read."""
        self._pauses.pop(partition, None)
