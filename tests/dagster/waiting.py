"""Waiting for what somebody else brings about."""

from __future__ import annotations

import asyncio
import time


async def until(condition, seconds=15.0):
    """Wait until the condition gives something true, and give it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.005)
    return found


async def until_answered(question, seconds=60.0):
    """Wait until the question, asked on another thread, is answered with something true."""
    deadline = time.monotonic() + seconds
    while not (found := await asyncio.to_thread(question)):
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)
    return found
