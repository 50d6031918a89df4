"""The whole service: sinks before sources at the start, sources before sinks at the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.app.stream import StreamWatch
from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamgauge.app.sinks import Sinks
    from streamgauge.app.stream import StreamSettings
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.kafka.cluster import Cluster

INTAKE_SHARE: Final = 0.3
"""Share of the grace period in which the sources must have stopped."""
CLOSING_SECONDS: Final = 0.5
"""What is left of the grace period for closing when everything was told."""


class Service:
    """Everything that runs, from the first listening socket to the last report."""

    def __init__(
        self,
        cluster: Cluster,
        sinks: Sinks,
        streams: Iterable[tuple[StreamPolicy, StreamSettings]],
        now_ms: Callable[[], int],
    ) -> None:
        self._log = structlog.get_logger("streamgauge.app")
        self._cluster = cluster
        self._sinks = sinks
        self._streams = [
            StreamWatch(policy, settings, cluster, sinks, now_ms) for policy, settings in streams
        ]

    async def serve(self, stop: asyncio.Event, grace_seconds: float) -> None:
        """Work until `stop` is set or something breaks, then leave within the grace period.

        Raises:
            ListenError: if the web server cannot listen.
            ExceptionGroup: if a task failed in a way that nobody foresaw.
        """
        await self._sinks.start()
        write(self._log, Event.WEB_LISTENING, address=self._sinks.web.address)
        telling = asyncio.create_task(self._sinks.run(), name="sinks")
        watching = asyncio.create_task(self._watch(), name="streams")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        everything = {telling, watching, stopping}
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        write(self._log, Event.SERVICE_STOPPING, grace_seconds=grace_seconds)
        stopping.cancel()
        await self._stop(watching, telling, grace_seconds)
        for task in (telling, watching):
            if task.done() and not task.cancelled():
                task.result()

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for stream in self._streams:
                tasks.create_task(stream.run())

    async def _stop(
        self, watching: asyncio.Task[None], telling: asyncio.Task[None], grace_seconds: float
    ) -> None:
        """Intake ends, the last snapshots are told, sinks flush, everything closes."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + grace_seconds
        watching.cancel()
        await asyncio.wait({watching}, timeout=INTAKE_SHARE * grace_seconds)
        for stream in self._streams:
            stream.tick()
        closing = asyncio.create_task(self._cluster.close(), name="close")
        await self._sinks.flush(max(0.0, deadline - clock() - CLOSING_SECONDS))
        telling.cancel()
        await self._sinks.web.stop(max(0.0, deadline - clock()))
        await asyncio.wait({closing, telling}, timeout=max(0.0, deadline - clock()))
