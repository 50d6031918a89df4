"""Patience for aiokafka: what keeps its retries slow and its end certain.

aiokafka 0.14 asks for metadata, and fetches, as fast as the broker answers while a topic is gone
or a leader has moved (aiokafka issue 1155); cancelling such a retry makes its `stop()` raise
`CancelledError` and leave connections open (issue 647).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.client import AIOKafkaClient

METADATA_INTERVAL_SECONDS: Final = 0.5
INSTANT_SECONDS: Final = 0.02
"""A fetch that brings nothing this fast is an error: a healthy one waits for the broker's limit."""
FETCH_BACKOFF_SECONDS: Final = 0.1


class MetadataLimiter:
    """Lets one client refresh its metadata at most every half second.

    The first request goes through at once; those that follow too soon share one later refresh.
    """

    def __init__(
        self, client: AIOKafkaClient, interval_seconds: float = METADATA_INTERVAL_SECONDS
    ) -> None:
        self._interval = interval_seconds
        self._refresh = client.force_metadata_update
        self._refreshed_at = -interval_seconds
        self._later: asyncio.Task[bool] | None = None
        self._closed = False
        client.force_metadata_update = self._refresh_in_time

    async def close(self) -> None:
        """Let go of the client, which is about to be closed, and of a refresh still to come."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
            await asyncio.wait([self._later])

    def _refresh_in_time(self) -> asyncio.Future[bool]:
        now = time.monotonic()
        if self._closed or now - self._refreshed_at >= self._interval:
            self._refreshed_at = now
            return self._refresh()  # type: ignore[no-any-return]  # untyped aiokafka
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._refresh_later())
        return asyncio.shield(self._later)

    async def _refresh_later(self) -> bool:
        await asyncio.sleep(self._refreshed_at + self._interval - time.monotonic())
        self._refreshed_at = time.monotonic()
        return await self._refresh()  # type: ignore[no-any-return]  # untyped aiokafka


def pace_fetches(consumer: AIOKafkaConsumer) -> None:
    """Make a started consumer wait a little after a fetch that brought nothing at once.

    Needs `fetch_max_wait_ms` of at least 50, so that a healthy empty fetch is not taken for an
    error. A fetch that is cancelled ends without a result, as aiokafka expects of it.
    """
    fetcher = consumer._fetcher  # noqa: SLF001 - there is no public seam
    fetch = fetcher._proc_fetch_request  # noqa: SLF001 - as above

    async def paced(assignment: Any, node_id: Any, request: Any) -> bool:  # noqa: ANN401 - untyped
        began = time.monotonic()
        try:
            brought: bool = await fetch(assignment, node_id, request)
            if not brought and time.monotonic() - began < INSTANT_SECONDS:
                await asyncio.sleep(FETCH_BACKOFF_SECONDS)
        except asyncio.CancelledError:
            return False
        return brought

    fetcher._proc_fetch_request = paced  # noqa: SLF001 - as above


async def stop_within(consumer: AIOKafkaConsumer, seconds: float = 5.0) -> None:
    """Stop a consumer, started or not, and leave no task and no connection of it behind.

    Only a cancellation of the caller gets out of here.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    if await _ended_well(stopping, seconds):
        return
    fetcher = consumer._fetcher  # noqa: SLF001 - there is no public seam
    left = [] if fetcher is None else [fetcher._fetch_task, *fetcher._pending_tasks]  # noqa: SLF001
    for task in (stopping, *left):
        task.cancel()
    await asyncio.wait([stopping, *left], timeout=seconds)
    await close_within(consumer._client, seconds)  # noqa: SLF001 - as above


async def close_within(client: AIOKafkaClient, seconds: float = 5.0) -> None:
    """Close a client and all its connections, also if its own tasks have failed."""
    closing = asyncio.ensure_future(client.close())
    if not await _ended_well(closing, seconds):
        closing.cancel()
        for connection in list(client._conns.values()):  # noqa: SLF001 - there is no public seam
            connection.close()


async def _ended_well(task: asyncio.Future[None], seconds: float) -> bool:
    done, _ = await asyncio.wait([task], timeout=seconds)
    return bool(done) and not task.cancelled() and task.exception() is None
