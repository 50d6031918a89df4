"""The process: configuration in, signals handled, exit code out."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import threading
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from streamgauge import __version__
from streamgauge.app import settings
from streamgauge.app.service import Service
from streamgauge.events import Event, write
from streamgauge.kafka.batches import client_problems
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.cluster import Cluster
from streamgauge.log import tell_suppressed
from streamgauge.otlp.environment import OtlpConfigurationError
from streamgauge.web.server import ListenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from streamgauge.config.settings import Config
    from streamgauge.kafka.connection import Connection

ENDING_SECONDS: Final = 1.0
"""Kept of the grace period for the end of the interpreter itself."""


def run(config: Config, connect: Callable[[Connection], Cluster] = Cluster) -> int:
    """Run the service until it is asked to stop.

    Args:
        config: what is watched, and where it is told.
        connect: gives what asks the brokers; nothing is connected yet.

    Returns:
        The exit code: 0 when it was asked to stop, 2 when it could not start, 1 when it crashed.
    """
    log = structlog.get_logger("streamgauge.app")
    write(log, Event.SERVICE_STARTED, version=__version__, streams=sorted(config.streams))
    for problem in client_problems():
        write(log, Event.KAFKA_CLIENT_LIMITED, reason=problem)
    end = _End()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        code = runner.run(_serve(config, connect, log, end))
        # what a thread of a library still waits for, such as a name server, is not waited for
        end.within(ENDING_SECONDS, lambda: _leave(code))
    return code


async def _serve(
    config: Config,
    connect: Callable[[Connection], Cluster],
    log: FilteringBoundLogger,
    end: _End,
) -> int:
    stop = asyncio.Event()
    grace_seconds = config.grace_period_ms / 1000

    def asked_to_stop() -> None:
        """The first signal begins the grace period, a second one ends the process at once."""
        if stop.is_set():
            _cut_short()
        stop.set()
        end.within(grace_seconds, _cut_short)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    try:
        cluster = connect(settings.connection(config.kafka))
        sinks = settings.sinks(config, wall_clock_ms)
        service = Service(cluster, sinks, settings.streams(config), wall_clock_ms)
        well = await service.serve(stop, max(grace_seconds / 2, grace_seconds - ENDING_SECONDS))
    except (settings.CannotStartError, ListenError, OtlpConfigurationError) as error:
        write(log, Event.CANNOT_START, reason=str(error))
        return 2
    except Exception:  # noqa: BLE001 - whatever it was is told and ends the process
        write(log, Event.CRASHED, exc_info=True)
        return 1
    finally:
        tell_suppressed(at_once=True)
    if well:
        write(log, Event.SERVICE_STOPPED)
    return 0 if well else 1


class _End:
    """The last resort: the end of the process at a certain time, whatever it is waiting for."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def within(self, seconds: float, leave: Callable[[], NoReturn]) -> None:
        """End in this way after this time; what was set before no longer counts."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, leave)
        self._timer.daemon = True
        self._timer.start()


def _cut_short() -> NoReturn:
    tell_suppressed(at_once=True)
    write(structlog.get_logger("streamgauge.app"), Event.SERVICE_CUT_SHORT)
    _leave(0)


def _leave(code: int) -> NoReturn:
    os._exit(code)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where it is installed."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - an extra that need not be there

    return uvloop.new_event_loop
