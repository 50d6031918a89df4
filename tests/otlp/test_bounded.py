"""Blocking calls with a deadline."""

from __future__ import annotations

import threading
import time

from streamgauge.otlp.bounded import run_bounded


async def test_all_back_in_time():
    """Every call has run when it says so."""
    ran = []
    assert await run_bounded([lambda: ran.append(1), lambda: ran.append(2)], 5)
    assert sorted(ran) == [1, 2]


async def test_nothing_to_run():
    """No calls are over at once."""
    assert await run_bounded([], 5)


async def test_late_call_is_left_alone():
    """The deadline ends the wait, not the call."""
    release = threading.Event()
    finished = threading.Event()

    def call():
        release.wait()
        finished.set()

    started = time.monotonic()
    assert not await run_bounded([call, lambda: None], 0.1)
    assert time.monotonic() - started < 2
    assert not finished.is_set()
    release.set()
    assert finished.wait(5)


async def test_error_is_not_in_time():
    """A call that raises did not do its work."""

    def call():
        raise RuntimeError("no")

    assert not await run_bounded([call], 5)
