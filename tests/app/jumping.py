"""Time that passes at once: minutes of an event loop in no time."""

from __future__ import annotations

import asyncio
import functools
import selectors
import time
from uuid import UUID

from streamgauge.model import LogOffsets

START_MS = 1_800_000_000_000
FIRST_ID, SECOND_ID = UUID(int=1), UUID(int=2)
FAR_ENDS = LogOffsets("orders", {}, {0: 1 << 40}, 0)
"""Where the log of `orders` ends, so that every commit fits it."""


class _Jumping(selectors.DefaultSelector):
    """Waits for no timer: the loop's clock jumps to it as soon as nothing else is to be done."""

    jumped = 0.0

    def select(self, timeout=None):
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.jumped += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which minutes pass at once; for what talks to nobody outside."""

    def __init__(self):
        self.selector = _Jumping()
        super().__init__(self.selector)

    def time(self):
        """Seconds of its own clock."""
        return time.monotonic() + self.selector.jumped


def at_once(test):
    """Let an async test run in a loop in which time passes at once."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


async def until(condition, seconds=600.0):
    """Return when the condition holds, by the clock of the loop."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.1)
