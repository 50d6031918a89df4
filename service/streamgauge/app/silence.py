"""Which partitions of a tail nobody answers for, by a clock that never steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.kafka.polled import Progress


class Silence:
    """Measures for each partition how long ago its last answered fetch arrived.

    Args:
        patience_seconds: how much silence is too much.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._answers: dict[int, int] = {}
        self._since: dict[int, float] = {}
        self._unheard: set[int] = set()

    def note(self, progress: Mapping[int, Progress], now_seconds: float) -> None:
        """Take in where a tail stands; the measurement of a partition begins with the first."""
        for partition, at in progress.items():
            if at.answered_ms is not None and at.answered_ms != self._answers.get(partition):
                self._answers[partition] = at.answered_ms
                self._since[partition] = now_seconds
                self._unheard.discard(partition)
            elif partition not in self._since:
                self._since[partition] = now_seconds
                self._unheard.add(partition)

    def begin_anew(self) -> None:
        """Whatever was answered until now counts no longer as heard."""
        self._unheard = set(self._since)

    @property
    def all_heard(self) -> bool:
        """Whether every partition has been answered for."""
        return bool(self._since) and not self._unheard

    def unanswered(self, now_seconds: float) -> list[int]:
        """The partitions that have been silent for too long, in order."""
        latest = now_seconds - self._patience_seconds
        return sorted(partition for partition, at in self._since.items() if at < latest)
