"""What a tail knows of one partition."""

from __future__ import annotations

from streamgauge.core.live import Liveness
from streamgauge.kafka.polled import Progress


class TailedPartition:
    """Where a tail stands on one partition, and how its newest records arrived.

    Attributes:
        next_offset: Offset after the records handed out so far.
        received_ms: When the answer arrived that carried the newest records.
        live: Whether those records were live.
    """

    def __init__(self, offset: int) -> None:
        self.next_offset = offset
        self.received_ms = 0
        self.live = False
        self._end_offset: int | None = None
        self._stamp: int | None = None
        self._stamp_at_seek: int | None = None
        self._liveness = Liveness()

    @property
    def progress(self) -> Progress:
        """Position, and what the last answered fetch said."""
        answered_ms = None if self._end_offset is None else self.received_ms
        return Progress(self.next_offset, self._end_offset, answered_ms)

    def seek(self, offset: int, stamp: int | None) -> None:
        """Go on elsewhere: answers up to this stamp were about the old position."""
        self.next_offset = offset
        self._stamp_at_seek = stamp

    def take_in(
        self, next_offset: int, stamp: int | None, end_offset: int | None, arrived_ms: int
    ) -> bool:
        """Take in where the consumer stands after handing out records.

        Args:
            next_offset: Its position.
            stamp: What it calls the time of the last answered fetch; None before the first.
            end_offset: The end offset by that answer.
            arrived_ms: When that answer arrived, milliseconds since the epoch.

        Returns:
            Whether that answer is a new one.
        """
        self.next_offset = next_offset
        if stamp is None or end_offset is None or stamp == self._stamp_at_seek:
            return False
        new = (stamp, end_offset) != (self._stamp, self._end_offset)
        if new:
            self._stamp, self._end_offset = stamp, end_offset
            self.received_ms = arrived_ms
            self.live = self._liveness.is_live(arrived_ms)
        # also for an old answer: its last records may only now have been handed out
        self._liveness.answered(
            next_offset=next_offset, end_offset=end_offset, answered_ms=self.received_ms
        )
        return new
