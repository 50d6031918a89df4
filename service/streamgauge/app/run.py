"""The process: configuration in, signals handled, exit code out."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge import __version__
from streamgauge.app import settings
from streamgauge.app.service import Service
from streamgauge.events import Event, write
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.cluster import Cluster
from streamgauge.log import tell_suppressed
from streamgauge.otlp.environment import OtlpConfigurationError
from streamgauge.web.server import ListenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.config.settings import Config

ENDING_SECONDS: Final = 1.0
"""Kept of the grace period for the end of the interpreter itself."""


def run(config: Config) -> int:
    """Run the service until it is asked to stop.

    Returns:
        The exit code: 0 when it was asked to stop, 2 when it could not start, 1 when it crashed.
    """
    log = structlog.get_logger("streamgauge.app")
    write(log, Event.SERVICE_STARTED, version=__version__, streams=sorted(config.streams))
    for setting in config.not_yet_measured():
        write(log, Event.CONFIGURATION_NOT_YET_MEASURED, setting=setting)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config))
    except (settings.CannotStartError, ListenError, OtlpConfigurationError) as error:
        write(log, Event.CANNOT_START, reason=str(error))
        return 2
    except Exception:  # noqa: BLE001 - whatever it was is told and ends the process
        write(log, Event.CRASHED, exc_info=True)
        return 1
    finally:
        tell_suppressed(at_once=True)
    write(log, Event.SERVICE_STOPPED)
    return 0


async def _serve(config: Config) -> None:
    cluster = Cluster(settings.connection(config.kafka))
    sinks = settings.sinks(config, wall_clock_ms)
    service = Service(cluster, sinks, settings.streams(config), wall_clock_ms)
    stop = asyncio.Event()
    grace_seconds = config.grace_period_ms / 1000
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _asked_to_stop, stop, grace_seconds)
    await service.serve(stop, max(grace_seconds / 2, grace_seconds - ENDING_SECONDS))


def _asked_to_stop(stop: asyncio.Event, grace_seconds: float) -> None:
    """The first signal begins the grace period, a second one ends the process at once."""
    if stop.is_set():
        _leave()
    stop.set()
    last_resort = threading.Timer(grace_seconds, _leave)
    last_resort.daemon = True
    last_resort.start()


def _leave() -> None:
    tell_suppressed(at_once=True)
    logging.shutdown()
    os._exit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where it is installed."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - an extra that need not be there

    return uvloop.new_event_loop
