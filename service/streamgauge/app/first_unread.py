"""Looks up first records that groups have still to read, where the ledger does not know them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from streamgauge.core.ledger import FirstRecord
from streamgauge.core.lookups import Found
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.kafka.first_records import Deleted, FirstRecordFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamgauge.app.context import StreamContext
    from streamgauge.core.columns import RecordReader
    from streamgauge.kafka.first_records import FirstRecordAnswer
    from streamgauge.model import CommittedOffsets, LogOffsets

SECONDS: Final = 0.2
"""In each poll, at most; what is missed then is looked up by the next one."""
ROUNDS: Final = 20
"""Offsets of each partition in each poll, at most."""


ROWS_AT_ONCE: Final = 500
"""Groups times partitions."""


class FirstUnread:
    """Single fetches on behalf of one stream's groups."""

    def __init__(self, context: StreamContext, reader: RecordReader) -> None:
        self._context = context
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._isolation_level = context.isolation_level
        self._now_ms = context.now_ms
        self._topic = context.gauge.policy.topic
        self._reader = reader
        self._open: asyncio.Task[None] | None = None
        self._turn = 0

    async def look_up(self, committed: Sequence[CommittedOffsets], log: LogOffsets) -> None:
        """Look up what is missed, and wait for it a moment."""
        if self._open is not None:
            if not self._open.done():
                return  # the brokers are slow: one search at a time
            self._open.result()
        missed = await self._missed(committed, log)
        if not missed:
            return
        self._open = asyncio.create_task(self._search(missed))
        await asyncio.wait({self._open}, timeout=SECONDS)

    async def _missed(
        self, committed: Sequence[CommittedOffsets], log: LogOffsets
    ) -> dict[int, list[int]]:
        """Offsets by partition; others come first the next time, so that all have their turn."""
        missed: dict[int, set[int]] = {}
        for some in chunks(committed, len(log.end)):
            for partition, offsets in self._gauge.to_look_up(some, log).items():
                missed.setdefault(partition, set()).update(offsets)
            await asyncio.sleep(0)
        self._turn += ROUNDS
        return {p: _from(sorted(offsets), self._turn) for p, offsets in missed.items()}

    async def _search(self, missed: dict[int, list[int]]) -> None:
        """Each request asks for one offset of each partition."""
        world = self._context.world
        for turn in range(min(ROUNDS, max(map(len, missed.values())))):
            offsets = {p: them[turn] for p, them in missed.items() if turn < len(them)}
            with contextlib.suppress(KafkaAccessError):  # the poll has noticed, or will
                answers = await self._cluster.first_records(
                    self._topic, offsets, self._isolation_level, self._reader
                )
                if world != self._context.world:
                    return  # they are of another log
                for partition, answer in answers.items():
                    self._note(partition, offsets[partition], answer)

    def _note(self, partition: int, offset: int, answer: FirstRecordAnswer) -> None:
        if isinstance(answer, Deleted):
            return  # the next poll learns from where on the log can still be read
        record, end = None, 0
        if isinstance(answer, FirstRecordFound):
            record = FirstRecord(answer.offset, answer.event_ms, 0)
        else:
            end = answer.end
        self._gauge.found(partition, offset, Found(record, end, self._now_ms()))

    def close(self) -> None:
        """Ask no longer."""
        if self._open is not None:
            self._open.cancel()


def chunks(
    committed: Sequence[CommittedOffsets], partitions: int
) -> Iterator[Sequence[CommittedOffsets]]:
    """Answers that are worked on before the loop breathes: some rows, at least one group."""
    at_once = max(1, ROWS_AT_ONCE // max(1, partitions))
    for begin in range(0, len(committed), at_once):
        yield committed[begin : begin + at_once]


def _from(offsets: list[int], turn: int) -> list[int]:
    at = turn % len(offsets)
    return offsets[at:] + offsets[:at]
