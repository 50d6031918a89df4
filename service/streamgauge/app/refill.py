"""Reads again what the slowest group has still to pass, so that its ages and lags are exact.

The ledger lives in memory: after a start it knows nothing of what lies before the position. These
records are counted already, or were never to be: they go into the ledger and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from streamgauge.core.lag import is_pattern, matching
from streamgauge.core.ledger_budget import EXACT_RECORDS
from streamgauge.core.undecodable import Undecoded
from streamgauge.events import Event, write
from streamgauge.kafka.answers import Retry
from streamgauge.kafka.errors import KafkaAccessError, TailStalledError, UnexpectedAnswerError
from streamgauge.kafka.polled import Lost
from streamgauge.kafka.salvage import Undecodable
from streamgauge.model import CommittedOffsets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamgauge.app.context import StreamContext
    from streamgauge.core.columns import RecordReader
    from streamgauge.kafka.fetching import TailSettings
    from streamgauge.kafka.polled import Polled
    from streamgauge.kafka.tail import Tail

ASK_SECONDS: Final = 5.0
"""So long the groups' commits are waited for."""
AGAIN_SECONDS: Final = 0.2
"""Pause before those are asked again whose coordinator is loading."""
READ_SECONDS: Final = 10.0
"""So long it may take; what is not read then is not known."""
MOST_GROUPS: Final = 300
"""Groups whose commits are asked for."""


class Refill:
    """The ledger of one stream's topic, filled once for each life and each jump of positions."""

    def __init__(
        self, context: StreamContext, reader: RecordReader, settings: TailSettings
    ) -> None:
        self._context = context
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._reader = reader
        self._settings = settings
        self._topic = settings.topic
        self._done_in: tuple[object, int] | None = None

    @property
    def is_done(self) -> bool:
        """Whether the ledger is filled as far as it can be: before that nobody is to be judged."""
        return self._done_in == self._context.world

    async def run(self) -> None:
        """Fill it, unless it is filled; what cannot be read within the time stays unknown.

        Raises:
            KafkaAccessError: if no broker answers; call it again.
        """
        if self.is_done:
            return
        world, positions = self._context.world, self._gauge.positions(self._topic)
        starts: dict[int, int] = {}
        if self._gauge.policy.groups:
            with contextlib.suppress(UnexpectedAnswerError):  # the tail shows whether it matters
                starts = await self._starts(positions)
        if starts and world == self._context.world:
            await self._read(starts, {number: positions[number] for number in starts})
        if world == self._context.world:
            self._gauge.refill_ended(positions)
            self._done_in = world

    async def _starts(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Where reading begins, of the partitions on which a group has something to pass yet."""
        committed = await self._committed(positions)
        log = await self._cluster.log_offsets(self._topic, positions, self._context.isolation_level)
        most = EXACT_RECORDS // len(positions)
        starts = {}
        for number, position in positions.items():
            all_of_them = (each.offsets.get(number) for each in committed)
            offsets = [offset for offset in all_of_them if offset is not None]
            if number in log.start and offsets:
                start = max(log.start[number], min(offsets), position - most)
                if start < position:
                    starts[number] = start
        return starts

    async def _committed(self, partitions: Collection[int]) -> list[CommittedOffsets]:
        """What the groups have committed, of those that answer in time."""
        groups = await self._groups()
        asked = [
            asyncio.create_task(self._ask(group, partitions)) for group in groups[:MOST_GROUPS]
        ]
        if not asked:
            return []
        try:
            done, _ = await asyncio.wait(asked, timeout=ASK_SECONDS)
            return [answer for each in done if (answer := each.result()) is not None]
        finally:
            for each in asked:
                each.cancel()

    async def _ask(self, group: str, partitions: Collection[int]) -> CommittedOffsets | None:
        """Again and again while its coordinator is loading, or away; None if it is forbidden."""
        while True:
            with contextlib.suppress(KafkaAccessError):
                answer = await self._cluster.committed(group, self._topic, partitions)
                if not isinstance(answer, Retry):
                    return answer if isinstance(answer, CommittedOffsets) else None
            await asyncio.sleep(AGAIN_SECONDS)

    async def _groups(self) -> list[str]:
        """Those that are watched, and those that the patterns will find."""
        groups = dict.fromkeys(self._gauge.watched)
        patterns = [group for group in self._gauge.policy.groups if is_pattern(group)]
        listed = None
        if patterns:
            with contextlib.suppress(KafkaAccessError, TimeoutError):  # some brokers list none
                async with asyncio.timeout(ASK_SECONDS):
                    listed = await self._cluster.groups()
        for pattern in patterns:
            groups |= dict.fromkeys(matching(pattern, listed.followed if listed else ()))
        return list(groups)

    async def _read(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> None:
        self._gauge.refill(starts)
        tail = await self._context.start_tail(
            self._cluster, self._reader, self._settings, starts, clock=self._context.now_ms
        )
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._read_up_to(ends, tail)
        except (TimeoutError, TailStalledError):  # the tail may be able to read what comes later
            event = Event.LEDGER_NOT_FILLED
            write(self._context.log, event, topic=self._topic)
        finally:
            await tail.close()

    async def _read_up_to(self, ends: Mapping[int, int], tail: Tail) -> None:
        world, left = self._context.world, dict(ends)
        while left:
            polled = await tail.poll()
            if world != self._context.world:
                return  # what was read belongs to what was before
            self._take_in(polled)
            read = [p for p in left if polled.progress[p].next_offset >= left[p]]
            for number in read:
                del left[number]
            if read and left:
                tail.remove_partitions(read)

    def _take_in(self, polled: Polled) -> None:
        undecoded: dict[int, list[Undecoded]] = {}
        for notice in polled.notices:
            if isinstance(notice, Lost):
                self._gauge.refill_lost(notice.partition, notice.offset + notice.records)
            elif isinstance(notice, Undecodable):
                found = Undecoded(notice.offset, notice.records)
                undecoded.setdefault(notice.partition, []).append(found)
        for columns in polled.columns:
            self._gauge.refilled(columns, undecoded.get(columns.partition, ()))
