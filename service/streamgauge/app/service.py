"""The whole service: sinks before sources at the start, sources before sinks at the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.app.stream import StreamWatch
from streamgauge.events import Event, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streamgauge.app.sinks import Sinks
    from streamgauge.app.stream import StreamSettings
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.kafka.cluster import Cluster

INTAKE_SHARE: Final = 0.3
"""Share of the grace period in which the sources must have stopped."""
STORING_SHARE: Final = 0.2
"""Share of the grace period in which the last state is stored and the group left."""
CLOSING_SHARE: Final = 0.1
"""Share of the grace period that is kept for closing when everything was told."""


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
        self._broken = False

    async def serve(self, stop: asyncio.Event, grace_seconds: float) -> bool:
        """Work until `stop` is set or something breaks, then leave within the grace period.

        Returns:
            Whether all went well. What broke was told at once, as `crashed`.

        Raises:
            ListenError: if the web server cannot listen.
            OtlpConfigurationError: if the SDK refuses an OTEL_* variable.
        """
        await self._sinks.start()
        telling = asyncio.create_task(self._sinks.run(), name="sinks")
        watching = asyncio.create_task(self._watch(), name="streams")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        works = {telling, watching}
        ended, _ = await asyncio.wait({*works, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for work in works & ended:
            self._tell_crash(_error_of(work))
        if not self._broken:
            write(self._log, Event.SERVICE_STOPPING, grace_seconds=grace_seconds)
        await self._stop(watching, telling, grace_seconds)
        for work in works - ended:
            error = _error_of(work) if work.done() else None
            if error is not None:
                self._tell_crash(error)
        return not self._broken

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
        telling.cancel()
        await asyncio.wait({watching, telling}, timeout=INTAKE_SHARE * grace_seconds)
        storing = [stream.store_last(STORING_SHARE * grace_seconds) for stream in self._streams]
        await asyncio.gather(*storing)
        closing = asyncio.create_task(self._cluster.close(), name="close")
        for stream in self._streams:
            with self._telling_crashes():
                stream.tell_last()
        with self._telling_crashes():
            await self._flush(deadline, CLOSING_SHARE * grace_seconds)
        await self._sinks.web.stop(max(0.0, deadline - clock()))
        await asyncio.wait({closing}, timeout=max(0.0, deadline - clock()))

    async def _flush(self, deadline: float, kept_seconds: float) -> None:
        """A sink that does not keep to its time is cut off."""
        left_seconds = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                await self._sinks.flush(max(0.0, left_seconds - kept_seconds))
        except TimeoutError:
            write(self._log, Event.SERVICE_CUT_SHORT)

    @contextlib.contextmanager
    def _telling_crashes(self) -> Iterator[None]:
        """What breaks at the end is told as well, and does not keep the rest from closing."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it was
            self._tell_crash(error)

    def _tell_crash(self, error: BaseException | None) -> None:
        """Write a line for each thing that broke, not for the groups of tasks around it."""
        self._broken = True
        for cause in _causes(error):
            write(self._log, Event.CRASHED, exc_info=cause)


def _error_of(work: asyncio.Task[None]) -> BaseException | None:
    return None if work.cancelled() else work.exception()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    else:
        yield error or RuntimeError("the service ended by itself")
