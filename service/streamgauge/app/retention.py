"""Learns how long the records of a stream's topic stay: compaction, and deletion by age."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.core.watched_groups import Retention
from streamgauge.kafka.errors import KafkaAccessError

if TYPE_CHECKING:
    from streamgauge.app.context import StreamContext

ASK_EVERY_SECONDS: Final = 60.0
"""Settings change seldom; those of another log are asked for at once."""
LOOK_SECONDS: Final = 5.0
"""How often it is looked whether they have to be asked for."""


class RetentionWatch:
    """Asks for the topic's settings; without the right to read them they stay unknown."""

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._topic = context.gauge.policy.topic

    async def run(self) -> None:
        """Ask until cancelled."""
        loop = asyncio.get_running_loop()
        answered: tuple[object, float] | None = None
        while True:
            world, now_seconds = self._context.world, loop.time()
            if answered is None or answered[0] != world or now_seconds >= answered[1]:
                is_answered = await self.ask()
                answered = (world, now_seconds + ASK_EVERY_SECONDS) if is_answered else None
            await asyncio.sleep(LOOK_SECONDS)

    async def ask(self) -> bool:
        """Ask once; whether somebody has answered."""
        try:
            told = await self._cluster.topic_settings(self._topic)
        except KafkaAccessError:
            return False
        seconds = None if told.retention_ms is None else told.retention_ms / 1000
        self._gauge.read_on(Retention(told.is_compacted, seconds))
        return True
