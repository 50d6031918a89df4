"""Noticing that nobody answers for a partition though answers were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_STEP_SECONDS: Final = 1.0
"""Time spent elsewhere between two polls is no silence of the brokers; more than this per poll is
not counted."""


class Watchdog:
    """Measures silence in the time spent asking.

    Args:
        patience_seconds: How much of it is too much.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._asked_seconds = 0.0
        self._asked_at: float | None = None
        self._answered: dict[int, float] = {}

    def ask(self, now: float) -> None:
        """Begin a poll; `now` is in seconds of a monotonic clock."""
        if self._asked_at is not None:
            self._asked_seconds += min(now - self._asked_at, LONGEST_STEP_SECONDS)
        self._asked_at = now

    def answered(self, partitions: Iterable[int]) -> None:
        """Begin the measurement of these partitions, anew if it had begun."""
        self._answered.update(dict.fromkeys(partitions, self._asked_seconds))

    def forget(self, partitions: Iterable[int]) -> None:
        """End the measurement of these partitions."""
        for partition in partitions:
            self._answered.pop(partition, None)

    def silent(self) -> list[int]:
        """Partitions that have been silent for too long, in order."""
        latest = self._asked_seconds - self._patience
        return sorted(partition for partition, at in self._answered.items() if at < latest)
