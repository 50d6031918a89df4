"""Blocking calls that get a deadline and no more."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


async def run_bounded(calls: Sequence[Callable[[], None]], deadline_seconds: float) -> bool:
    """Run each call on a thread of its own; returns whether all came back without an error in time.

    The threads are daemons and left alone after the deadline: they cannot keep the process from
    ending, as those of an executor would.
    """
    loop = asyncio.get_running_loop()
    futures = []
    for call in calls:
        future: asyncio.Future[Exception | None] = loop.create_future()
        threading.Thread(target=_run, args=(call, loop, future), daemon=True).start()
        futures.append(future)
    if not futures:
        return True
    done, late = await asyncio.wait(futures, timeout=deadline_seconds)
    return not late and all(future.result() is None for future in done)


def _run(
    call: Callable[[], None],
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Exception | None],
) -> None:
    error: Exception | None = None
    try:
        call()
    except Exception as raised:  # noqa: BLE001 - handed to the loop, which waits for it
        error = raised
    with suppress(RuntimeError):  # the loop may be closed by now
        loop.call_soon_threadsafe(future.set_result, error)
