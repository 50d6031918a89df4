"""What is to be reported of one asset, what of it Dagster has, and what it may have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.dead_letter_share import share_percent
from streamgauge.core.report import dead_letter_report, report
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured
from streamgauge.dagster.payloads import dead_letter_observation, observation
from streamgauge.dagster.plain import instant

if TYPE_CHECKING:
    from streamgauge.core.report import Report
    from streamgauge.core.snapshot import DeadLetterTopicView, Snapshot
    from streamgauge.dagster.graphql import LastReported
    from streamgauge.dagster.outcome import Outcome, Trouble
    from streamgauge.dagster.payloads import Payload


REFUSALS_MAX: Final = 3
"""After so many refusals the report to follow is taken for one that nobody knows."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A report that goes out, or went out without a clear answer."""

    snapshot: Snapshot
    report: Report
    payload: Payload
    begun_seconds: float
    """On the event loop's clock."""


class ReportedAsset:
    """The reports of a stream or of one of its dead letter topics, one after another.

    Only the newest snapshot waits to be told, and the last one of a life that has ended, so that
    its counts are not lost. A report whose fate is unknown goes out again under its sequence, with
    the totals of then: whichever of them were stored, the one with the greatest totals is right.
    Only a report that is held goes out again as it is.
    """

    def __init__(self, stream: str, dead_letter_topic: str | None = None) -> None:
        self.stream = stream
        self.lives_untold = 0
        """Ended lives whose last snapshot gave way to that of a later one."""
        self.ahead_of: str | None = None
        """Life of which Dagster has a report that tells more than is known here."""
        self.told_seconds: float | None = None
        """When the acknowledged report went out, on the event loop's clock."""
        self._dead_letter_topic = dead_letter_topic
        self._refusals = 0
        self._resumed = 0
        self._waiting: list[Snapshot] = []
        self._acknowledged: Report | None = None
        self._unconfirmed: Attempt | None = None
        self._unconfirmed_before: Attempt | None = None
        self._held: Attempt | None = None

    @property
    def life_in_doubt(self) -> str | None:
        """The life of a report that went out and of which nobody said whether it was stored."""
        return None if self._unconfirmed is None else self._unconfirmed.report.life

    @property
    def next_life(self) -> tuple[str, int] | None:
        """The life of the next report and how often it was resumed; None if nothing is waiting."""
        return (self._waiting[0].life, self._waiting[0].resumed) if self._waiting else None

    @property
    def follows(self) -> bool:
        """Whether a report of before this process may be the one to follow: ask for it."""
        return bool(self._waiting) and self._waiting[0].resumed > self._resumed

    @property
    def holds(self) -> bool:
        """Whether the next report is one that `hold` was told of."""
        return self._held is not None

    def waits_for_an_answer(self, trouble: Trouble) -> bool:
        """Whether to ask again for the report to follow, after this was the answer.

        Who refuses the question again and again, such as a proxy, holds up no report for ever.
        """
        self._refusals += isinstance(trouble, Misconfigured)
        return self._refusals < REFUSALS_MAX

    def withdraw(self) -> None:
        """Tell nothing of what was offered; somebody else reports now."""
        self._waiting.clear()
        self._unconfirmed = self._unconfirmed_before = self._held = None
        self.ahead_of = None

    def resume(self, last: Report | None) -> None:
        """The greatest report that Dagster has of the life; the next one follows it."""
        snapshot = self._waiting[0]
        self._resumed, self._refusals = snapshot.resumed, 0
        self._unconfirmed = self._unconfirmed_before = self._held = None
        if last is not None and last.life == snapshot.life:
            self._acknowledged = last

    def offer(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot; one that knows no position yet is not reported.

        Without positions there is no data version, and Dagster takes its absence for new data.
        """
        topic = self._dead_letter_topic
        positions = (
            any(partition.topic == topic for partition in snapshot.dead_letter_partitions)
            if topic
            else snapshot.partitions
        )
        if not positions:
            return
        if self._waiting and self._waiting[-1].life == snapshot.life:
            self._waiting[-1] = snapshot
            return
        self._waiting.append(snapshot)
        if len(self._waiting) > 2:
            del self._waiting[0]
            self.lives_untold += 1

    def is_due(self, now_seconds: float, every_seconds: float) -> bool:
        """Whether there is something new to tell and the last report is so long ago."""
        if not self._waiting:
            return False
        told_seconds = self.told_seconds
        if self.holds:
            return True
        ended = len(self._waiting) > 1
        return ended or told_seconds is None or now_seconds - told_seconds >= every_seconds

    def begin(self, now_seconds: float) -> Attempt:
        """The next report. Until it is settled it may have been stored, whatever happens.

        One that tells less than Dagster has of the life follows nothing, and ends the life.

        Raises:
            IndexError: nothing is waiting.
        """
        held = self._held
        attempt = (
            self._attempt(self._waiting[0], now_seconds)
            if held is None
            else replace(held, begun_seconds=now_seconds)
        )
        self._unconfirmed_before, self._unconfirmed = self._unconfirmed, attempt
        return attempt

    def is_under_way(self, attempt: Attempt) -> bool:
        """Whether the report that `begin` gave is still to be told; not after `withdraw`."""
        return self._unconfirmed is attempt

    def hold(self, attempt: Attempt) -> None:
        """Something else tells of this report: no newer one goes out before it is acknowledged."""
        self._held = attempt

    def release(self) -> None:
        """Nothing else tells of the report that was held."""
        self._held = None

    def settle(self, attempt: Attempt, outcome: Outcome) -> None:
        """What became of the report that `begin` gave."""
        if isinstance(outcome, Accepted):
            self._acknowledge(attempt)
        elif not isinstance(outcome, Ambiguous):
            self._unconfirmed = self._unconfirmed_before

    def confirm(self, last: LastReported) -> bool:
        """Whether the greatest report that Dagster has is the one in doubt, acknowledged now.

        An older attempt under the same sequence proves nothing: the one in doubt may still land.
        """
        doubt = self._unconfirmed
        if doubt is None:
            return False
        sent = doubt.report
        identity = (sent.life, sent.sequence, instant(sent.end_ms), sent.arrived_total)
        if (last.life, last.sequence, last.period_end, last.arrived_total) != identity:
            return False
        self._acknowledge(doubt)
        return True

    def _attempt(self, snapshot: Snapshot, now_seconds: float) -> Attempt:
        try:
            told = self._report(snapshot)
        except ValueError:  # as when what was stored last is lost, or less of a group
            self._acknowledged = None
            self.ahead_of = snapshot.life
            told = self._report(snapshot)
        view = self._dead_letters(snapshot)
        payload = (
            observation(told, snapshot)
            if view is None
            else dead_letter_observation(told, view, share_percent(snapshot, view))
        )
        return Attempt(snapshot, told, payload, now_seconds)

    def _dead_letters(self, snapshot: Snapshot) -> DeadLetterTopicView | None:
        views = (view for view in snapshot.dead_letters if view.topic == self._dead_letter_topic)
        return next(views, None)

    def _report(self, snapshot: Snapshot) -> Report:
        """The next report.

        Raises:
            ValueError: totals shrank within a life.
        """
        view = self._dead_letters(snapshot)
        if view is None:
            return report(snapshot, self._acknowledged)
        return dead_letter_report(snapshot, view, self._acknowledged)

    def _acknowledge(self, attempt: Attempt) -> None:
        self._acknowledged = attempt.report
        self.told_seconds = attempt.begun_seconds
        self._unconfirmed = None
        if self._held is not None and self._held.report is attempt.report:
            self._held = None
        self._waiting = [each for each in self._waiting if each is not attempt.snapshot]
