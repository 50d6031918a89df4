"""Questions that one mute broker must not hold up."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.question import Question

from .jumping import at_once


def answering(seconds, answer):
    """A question that takes so long; an answer that is an error is raised."""

    async def ask():
        await asyncio.sleep(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


@at_once
async def test_an_answer_in_time_is_given():
    """And the next question is asked anew."""
    question = Question()
    assert await question.ask(answering(1, "a"), 5) == "a"
    assert await question.ask(answering(1, "b"), 5) == "b"


@at_once
async def test_a_late_answer_is_nobodys():
    """While the question is open it is not asked again; its answer is dropped."""
    question = Question()
    loop = asyncio.get_running_loop()
    assert await question.ask(answering(30, "old"), 5) is None
    asked_at = loop.time()
    assert await question.ask(answering(0, "not asked"), 5) is None
    assert loop.time() - asked_at < 1
    await asyncio.sleep(30)
    assert await question.ask(answering(0, "new"), 5) == "new"


@at_once
async def test_errors_come_out_now_or_with_the_next_question():
    """None is swallowed, whenever it came."""
    question = Question()
    with pytest.raises(LookupError):
        await question.ask(answering(1, LookupError()), 5)
    assert await question.ask(answering(30, LookupError("late")), 5) is None
    await asyncio.sleep(30)
    with pytest.raises(LookupError, match="late"):
        await question.ask(answering(0, "new"), 5)


@at_once
async def test_closing_cancels_the_open_question():
    """Nothing of it goes on."""
    question, ended = Question(), []

    async def ask():
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(True)

    question.close()
    assert await question.ask(ask, 5) is None
    question.close()
    await asyncio.sleep(0)
    assert ended == [True]
