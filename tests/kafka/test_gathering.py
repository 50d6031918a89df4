"""Questions of one turn of the event loop, asked together."""

import asyncio

import pytest

from streamgauge.kafka.errors import BrokersUnavailableError, UnexpectedAnswerError
from streamgauge.kafka.gathering import Gathering


class Asked:
    """What was asked for at once, answered by the length of the name."""

    def __init__(self):
        self.requests = []
        self.error = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, key, names):
        """Answer, once that is allowed."""
        self.requests.append((key, list(names)))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return {name: len(name) for name in names if name != "untold"}

    async def has_begun(self, requests):
        """Wait until so many requests have begun."""
        while len(self.requests) < requests:
            await asyncio.sleep(0)


@pytest.fixture
def asked():
    """Whoever is asked."""
    return Asked()


@pytest.fixture
async def gathering(asked):
    """At most three names at once under the key `few`, ten under others."""
    gathering = Gathering(asked.ask, lambda key: 3 if key == "few" else 10)
    yield gathering
    await gathering.close()


async def test_those_who_ask_at_once_share_a_request(gathering, asked):
    """By key; a name that two ask about is asked for once, and both are answered."""
    questions = [("k", "a"), ("k", "bb"), ("other", "ccc"), ("k", "a")]
    answers = await asyncio.gather(*(gathering.ask(*each) for each in questions))
    assert answers == [1, 2, 3, 1]
    assert asked.requests == [("k", ["a", "bb"]), ("other", ["ccc"])]


async def test_those_who_ask_later_do_not_wait_for_an_answer_to_others(gathering, asked):
    """The second request goes out while the first has no answer."""
    asked.may_answer.clear()
    first = asyncio.create_task(gathering.ask("k", "a"))
    await asked.has_begun(1)
    second = asyncio.create_task(gathering.ask("k", "bb"))
    await asked.has_begun(2)
    asked.may_answer.set()
    assert await asyncio.gather(first, second) == [1, 2]


async def test_a_request_is_no_larger_than_allowed(gathering, asked):
    """The rest is asked for by further ones."""
    names = [f"name-{number}" for number in range(7)]
    await asyncio.gather(*(gathering.ask("few", name) for name in names))
    assert asked.requests == [("few", names[:3]), ("few", names[3:6]), ("few", names[6:])]


async def test_an_error_is_everybodys_who_asked_in_that_request(gathering, asked):
    """The next request starts afresh."""
    asked.error = UnexpectedAnswerError("odd")
    answers = await asyncio.gather(
        *(gathering.ask("k", name) for name in ("a", "bb")), return_exceptions=True
    )
    assert answers == [asked.error, asked.error]
    asked.error = None
    assert await gathering.ask("k", "a") == 1


async def test_a_name_that_is_left_out_of_the_answer_is_an_error(gathering):
    """Nobody waits for ever."""
    async with asyncio.timeout(5):
        with pytest.raises(KeyError, match="untold"):
            await gathering.ask("k", "untold")


async def test_who_waits_no_longer_takes_nothing_from_others(gathering, asked):
    """Not even if it was the first to ask."""
    asked.may_answer.clear()
    impatient = asyncio.create_task(gathering.ask("k", "a"))
    patient = asyncio.create_task(gathering.ask("k", "bb"))
    await asked.has_begun(1)
    impatient.cancel()
    await asyncio.wait([impatient])
    asked.may_answer.set()
    assert impatient.cancelled()
    assert await patient == 2


async def test_closing_tells_those_who_wait(gathering, asked):
    """Also those whose request has not begun yet."""
    asked.may_answer.clear()
    waits = asyncio.create_task(gathering.ask("k", "a"))
    await asked.has_begun(1)
    begins = asyncio.create_task(gathering.ask("k", "bb"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await gathering.close()
        for question in (waits, begins):
            with pytest.raises(BrokersUnavailableError, match="being closed"):
                await question
