"""Learns how long the records of a stream's topic stay: compaction, and deletion by age."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.core.watched_groups import Retention
from streamgauge.kafka.errors import KafkaAccessError

if TYPE_CHECKING:
    from streamgauge.app.context import StreamContext

ASK_EVERY_SECONDS: Final = 60.0
"""Settings change seldom."""
RETRY_SECONDS: Final = 5.0
"""After brokers that did not answer."""


class RetentionWatch:
    """Asks for the topic's settings; without the right to read them they stay unknown."""

    def __init__(self, context: StreamContext) -> None:
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._topic = context.gauge.policy.topic

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            answered = await self.ask()
            await asyncio.sleep(ASK_EVERY_SECONDS if answered else RETRY_SECONDS)

    async def ask(self) -> bool:
        """Ask once; whether somebody has answered."""
        try:
            told = await self._cluster.topic_settings(self._topic)
        except KafkaAccessError:
            return False
        seconds = None if told.retention_ms is None else told.retention_ms / 1000
        self._gauge.read_on(Retention(told.is_compacted, seconds))
        return True
