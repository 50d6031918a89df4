"""Fetches single records that dead letters came from, where the tail has not read them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Final

from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.kafka.first_records import FirstRecordFound
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from streamgauge.app.context import StreamContext
    from streamgauge.core.columns import RecordReader
    from streamgauge.kafka.first_records import FirstRecordAnswer

PAUSE_SECONDS: Final = 0.5
ROUNDS: Final = 10
"""Requests for each topic between two pauses, each for one offset of each partition."""


class LetterOrigins:
    """Single fetches on behalf of one stream's dead letters."""

    def __init__(self, context: StreamContext, reader: RecordReader) -> None:
        self._context = context
        self._gauge = context.gauge
        self._reader = reader

    async def run(self) -> None:
        """Look for what is missed, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            wanted = self._gauge.origins_to_look_up(self._context.now_ms())
            for topic, partitions in wanted.items():
                with contextlib.suppress(KafkaAccessError):  # asked again, for some seconds
                    await self._look_up(topic, partitions)

    async def _look_up(self, topic: str, partitions: dict[int, list[int]]) -> None:
        world = self._context.world
        some = {p: random.sample(them, min(ROUNDS, len(them))) for p, them in partitions.items()}
        for turn in range(max(map(len, some.values()))):
            offsets = {p: them[turn] for p, them in some.items() if turn < len(them)}
            answers = await self._context.cluster.first_records(
                topic, offsets, self._context.isolation_level, self._reader
            )
            if world != self._context.world:
                return  # they are of another log
            for partition, answer in answers.items():
                offset = offsets[partition]
                self._gauge.origin_found(topic, partition, offset, _event_ms(answer, offset))


def _event_ms(answer: FirstRecordAnswer, offset: int) -> int | None:
    """Of the record at this offset; None if there is none, or it has no event time."""
    if not isinstance(answer, FirstRecordFound) or answer.offset != offset:
        return None
    return None if answer.event_ms == UNKNOWN else answer.event_ms
