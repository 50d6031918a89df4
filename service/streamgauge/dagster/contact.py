"""How contact with Dagster goes: told once when it is lost or refused, and once when it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.dagster.outcome import Accepted, Misconfigured
from streamgauge.events import Event, write
from streamgauge.model import SinkHealth

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from streamgauge.dagster.outcome import Outcome


class Contact:
    """What all deliveries experience, for the log and for the health of the sink."""

    def __init__(self, log: FilteringBoundLogger, clock: Callable[[], int]) -> None:
        self._log = log
        self._clock = clock
        self._unavailable_lanes: set[str] = set()
        self._unanswered: dict[str, bool] = {}
        """Questions that have no answer, which is no trouble of the reports, and whether that was
        told, or an outage that began before."""
        self._loss_told = False
        """Whether a loss was told and nothing was delivered since."""
        self._refusals: dict[str, str] = {}
        self._delivered = 0
        self._failed = 0
        self._dropped = 0
        self._last_delivered_ms: int | None = None
        self._last_failed_ms: int | None = None
        self._last_error: str | None = None

    @property
    def _in_trouble(self) -> bool:
        return bool(self._unavailable_lanes or self._refusals)

    def note(self, lane: str, delivery: str, outcome: Outcome, *, only_asks: bool = False) -> None:
        """A request of a lane, for the sake of a delivery, ended like this.

        Args:
            lane: what is in contact, or not.
            delivery: what was refused, or not.
            outcome: of the request.
            only_asks: whether it reports nothing.
        """
        if isinstance(outcome, Accepted):
            in_trouble = self._in_trouble or self._unanswered.get(lane, False)
            self._unavailable_lanes.discard(lane)
            self._unanswered.pop(lane, None)
            self._refusals.pop(delivery, None)
            self._loss_told = self._loss_told and bool(self._unavailable_lanes)
            if in_trouble and not self._in_trouble:
                self._recovered()
            return
        self._failed += 1
        self._last_failed_ms = self._clock()
        self._last_error = outcome.reason
        if isinstance(outcome, Misconfigured):
            if outcome.reason not in self._refusals.values():
                write(
                    self._log,
                    Event.DAGSTER_MISCONFIGURED,
                    reason=outcome.reason,
                    delivery=delivery,
                )
            self._refusals[delivery] = outcome.reason
            return
        if not self._loss_told and lane not in self._unanswered:
            write(self._log, Event.DAGSTER_UNAVAILABLE, reason=outcome.reason)
            self._loss_told = True
        if only_asks:
            self._unanswered.setdefault(lane, True)
        else:
            self._unavailable_lanes.add(lane)

    def permitted(self, delivery: str) -> None:
        """A part of a delivery that may have been refused was stored; the rest is still to come."""
        if self._refusals.pop(delivery, None) is not None and not self._in_trouble:
            self._recovered()

    def _recovered(self) -> None:
        write(self._log, Event.DAGSTER_RECOVERED)
        self._unanswered = dict.fromkeys(self._unanswered, False)

    def delivered(self, dropped: int) -> None:
        """A report was stored; a limit left out that many rows of it."""
        self._delivered += 1
        self._dropped += dropped
        self._last_delivered_ms = self._clock()

    def untold(self, deliveries: int) -> None:
        """The service stops and nobody will deliver these any more."""
        reason = "the time to stop ended before everything was told"
        write(self._log, Event.DAGSTER_UNAVAILABLE, reason=reason, untold=deliveries)

    def health(self, dropped: int) -> SinkHealth:
        """The counts since the start, with what was dropped elsewhere."""
        return SinkHealth(
            name="dagster",
            delivered=self._delivered,
            failed=self._failed,
            dropped=self._dropped + dropped,
            last_delivered_ms=self._last_delivered_ms,
            last_failed_ms=self._last_failed_ms,
            last_error=self._last_error,
        )
