"""Work that goes on until it is cancelled: any other end is an error and never a silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable


async def lasting(name: str, work: Awaitable[None]) -> None:
    """Do work that must not end by itself.

    asyncio takes a `CancelledError` that a library lets out for a cancellation of the task, which
    then ends without a word, in a task group as well.

    Raises:
        RuntimeError: if the work ends, or is cancelled and nobody has cancelled this task.
    """
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(f"{name} was cancelled and nobody has asked for that") from error
    raise RuntimeError(f"{name} ended by itself")
