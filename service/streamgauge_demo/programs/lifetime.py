"""How long a program runs: until its work is done, or until it is asked to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def until_stopped(work: Coroutine[None, None, None]) -> None:
    """Do the work; SIGTERM and SIGINT cancel it, which is no error.

    Raises:
        Exception: whatever the work raises.
    """
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
