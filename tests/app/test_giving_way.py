"""Dead letters wait for a stream that has to be caught up, and for no other."""

import asyncio

import pytest

from streamgauge.app.giving_way import LETTER_SECONDS, SHARE, GivingWay

from .jumping import at_once


@pytest.fixture
def waited(context):
    """How long is waited before a poll, after so many dead letters and so long since the end."""

    async def waited(letters, behind_ms):
        made = context()
        made.gauge.assigned("orders", {0: 0})
        made.gauge.answered("orders", 0, 0, made.now_ms() - behind_ms)
        giving_way = GivingWay(made.gauge, made.now_ms)
        giving_way.read(letters)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await giving_way.before_poll()
        first = loop.time() - begun
        await giving_way.before_poll()
        assert loop.time() - begun == pytest.approx(first, abs=0.01), "they are paid for once"
        return first

    return waited


@at_once
async def test_they_take_their_share_while_the_stream_is_behind(waited):
    """The rest of the time is its own."""
    seconds = await waited(1_000, 5_000)
    assert 1_000 * LETTER_SECONDS / (1_000 * LETTER_SECONDS + seconds) == pytest.approx(
        SHARE, rel=0.05
    )


@at_once
async def test_nothing_waits_beside_a_stream_that_is_caught_up(waited):
    """A dead letter is told at once."""
    assert await waited(1_000, 0) < 0.01


@at_once
async def test_without_dead_letters_nothing_waits(waited):
    """Whatever the stream does."""
    assert await waited(0, 5_000) < 0.01
