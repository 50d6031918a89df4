"""Work that must not end by itself."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.lasting import lasting

from .jumping import at_once


@at_once
async def test_work_that_ends_is_an_error_with_its_name():
    """Nobody would notice that a task has returned."""
    with pytest.raises(RuntimeError, match="tailing orders ended by itself"):
        await lasting("tailing orders", asyncio.sleep(0))


@at_once
async def test_a_cancellation_that_nobody_asked_for_is_an_error():
    """A task group would take it for the end of the task and go on without it."""

    async def let_out():
        raise asyncio.CancelledError

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting("polling", let_out()))
    assert str(caught.value.exceptions[0]) == "polling was cancelled and nobody has asked for that"


@at_once
async def test_a_cancelled_task_is_cancelled():
    """That is how work is meant to end."""
    task = asyncio.create_task(lasting("polling", asyncio.sleep(1e6)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@at_once
async def test_an_error_goes_through():
    """With its own type and text."""

    async def fail():
        raise LookupError("found nothing")

    with pytest.raises(LookupError, match="found nothing"):
        await lasting("polling", fail())
