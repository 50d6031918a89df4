"""Transactions of the harness, which know when their records became readable."""

from __future__ import annotations

import asyncio
import time

from .record_of_truth import Span, Transaction
from .world import Outbox, Topic, World

LOOK_EVERY_SECONDS = 0.005
TIMEOUT_SECONDS = 20.0


class Transactions:
    """One transactional producer; one transaction at a time."""

    def __init__(self, world: World, name: str) -> None:
        self._outbox = Outbox(world, {"transactional.id": name})
        self._open = Transaction()

    async def prepare(self) -> None:
        """Introduce the producer to its coordinator; takes a second the first time."""
        await asyncio.to_thread(self._outbox.producer.init_transactions, TIMEOUT_SECONDS)

    async def begin(self) -> None:
        """Open a transaction."""
        self._open = Transaction()
        await asyncio.to_thread(self._outbox.producer.begin_transaction)

    async def send(self, topic: Topic, count: int) -> None:
        """Write records and return when they are in the log."""
        topic.send(count, outbox=self._outbox, transaction=self._open)
        await self._outbox.flush(topic.log)

    async def commit(self, topic: Topic) -> None:
        """End it; return when what it wrote can be read."""
        await self._end(self._outbox.producer.commit_transaction, topic)

    async def abort(self, topic: Topic) -> None:
        """End it; return when what comes after it can be read."""
        self._open.aborted = True
        await self._end(self._outbox.producer.abort_transaction, topic)

    async def _end(self, end, topic: Topic) -> None:
        last = max(r.offset for r in topic.log.records if r.transaction is self._open)
        before = time.time()
        await asyncio.to_thread(end, TIMEOUT_SECONDS)
        # the answer comes before the marker is in the log
        while (await topic.ends())[0] <= last:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        self._open.ended = Span(before, time.time())

    def close(self) -> None:
        """End its thread."""
        self._outbox.close()
