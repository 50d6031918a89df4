"""Hands what a poll has brought to the gauge, and tells what was lost on the way."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Final

from streamgauge.events import Event, write
from streamgauge.kafka.polled import Lost, Truncated
from streamgauge.kafka.salvage import Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.app.context import StreamContext
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.kafka.polled import Polled
    from streamgauge.model import Columns

AGAIN_SECONDS: Final = 60.0
"""What goes wrong with records is told no more often than this; in between it is counted."""


class Intake:
    """Folds the polls of one topic, one after the other and each as a whole."""

    def __init__(
        self,
        context: StreamContext,
        topic: str,
        folded: Callable[[Columns, ArrivalAges | None], None],
    ) -> None:
        self._context = context
        self._gauge = context.gauge
        self._log = context.log.bind(topic=topic)
        self._topic = topic
        self._folded = folded
        self._told: dict[Event, tuple[float, int]] = {}

    def take_in(self, polled: Polled) -> None:
        """Count records, move positions, and begin a new life where the log was cut off."""
        self._announce(polled)
        for columns in polled.columns:
            self._folded(columns, self._gauge.fold(columns))
        for notice in polled.notices:
            if isinstance(notice, Undecodable):
                self._pass_over(polled, notice)
        truncated = [notice for notice in polled.notices if isinstance(notice, Truncated)]
        if truncated:
            self._begin_again(polled, truncated)
        for partition, at in polled.progress.items():
            if at.end_offset is not None and at.answered_ms is not None:
                self._gauge.answered(self._topic, partition, at.end_offset, at.answered_ms)

    def _announce(self, polled: Polled) -> None:
        """What gave no columns, before what comes after it is counted."""
        for notice in polled.notices:
            if isinstance(notice, Lost):
                self._lose(notice)
        for notice in polled.notices:
            if isinstance(notice, Undecodable):
                self._gauge.undecodable(
                    self._topic, notice.partition, notice.offset, notice.records
                )

    def _lose(self, notice: Lost) -> None:
        after = notice.offset + notice.records
        self._gauge.passed(self._topic, notice.partition, after, lost=notice.records)
        self._tell(
            Event.RECORDS_LOST,
            notice.records,
            partition=notice.partition,
            first_offset=notice.offset,
            offsets=notice.records,
        )

    def _pass_over(self, polled: Polled, notice: Undecodable) -> None:
        after = polled.progress[notice.partition].next_offset
        self._gauge.passed(self._topic, notice.partition, after)
        self._tell(
            Event.RECORDS_UNDECODABLE,
            notice.records,
            partition=notice.partition,
            first_offset=notice.offset,
            records=notice.records,
            reason=notice.damage.value,
        )

    def _begin_again(self, polled: Polled, truncated: list[Truncated]) -> None:
        write(
            self._log,
            Event.LOG_TRUNCATED,
            positions={notice.partition: notice.next_offset for notice in truncated},
            end_offsets={notice.partition: notice.end_offset for notice in truncated},
        )
        positions = self._gauge.told_positions(self._topic)
        if self._context.keeper is None:
            positions |= {number: at.next_offset for number, at in polled.progress.items()}
        else:  # what was not told is read again
            ends = {notice.partition: notice.end_offset for notice in truncated}
            positions = {p: min(at, ends.get(p, at)) for p, at in positions.items()}
        self._context.begin_life(self._topic, f"the log of {self._topic} was cut off")
        self._gauge.assigned(self._topic, positions)

    def _tell(self, event: Event, count: int, **fields: object) -> None:
        """Write a line, or keep its count for the next one if there was one lately."""
        now_seconds = asyncio.get_running_loop().time()
        told_seconds, untold = self._told.get(event, (-inf, 0))
        if now_seconds - told_seconds < AGAIN_SECONDS:
            self._told[event] = told_seconds, untold + count
            return
        self._told[event] = now_seconds, 0
        write(self._log, event, **fields, **({"untold": untold} if untold else {}))
