"""A lane delivers one thing at a time, and nothing that fails holds the rest up for long."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import structlog

from streamgauge.dagster.contact import Contact
from streamgauge.dagster.lane import (
    FEW,
    PAUSE_MAX_SECONDS,
    PAUSE_MIN_SECONDS,
    SPACE_MAX_SECONDS,
    Delivery,
    Lane,
    pause_seconds,
    space_seconds,
)
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable


class Desk:
    """Things to be delivered: each has a list of outcomes, the last of which stays."""

    def __init__(self, **outcomes):
        self.outcomes = {name: list(each) for name, each in outcomes.items()}
        self.sent = []
        self.times = []
        contact = Contact(structlog.get_logger(), lambda: 0)
        self.urgent = frozenset()
        self.questions = frozenset()
        self.lane = Lane("lane", self.due, contact, look_every_seconds=0.05, period_seconds=4.0)

    def due(self):
        """What was not accepted yet."""
        return [
            Delivery(
                name, lambda name=name: self.send(name), name in self.urgent, name in self.questions
            )
            for name in self.outcomes
        ]

    async def send(self, name):
        """The next outcome."""
        self.sent.append(name)
        self.times.append(time.monotonic())
        outcomes = self.outcomes[name]
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, Accepted):
            del self.outcomes[name]
        return outcome

    async def drain(self, seconds):
        """Deliver for so long at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.lane.drain()


GOOD, AWAY, DOUBT = Accepted(), Unavailable("away"), Ambiguous("doubt")
REFUSED = Misconfigured("refused")


async def test_order_is_that_of_what_is_due():
    """As long as nothing fails."""
    desk = Desk(a=[GOOD], b=[GOOD], c=[GOOD])
    await desk.drain(5)
    assert desk.sent == ["a", "b", "c"]


@pytest.mark.parametrize("trouble", [AWAY, DOUBT])
async def test_one_that_always_fails_holds_nothing_up(trouble):
    """It comes first, fails, and everything else is delivered before its turn comes again twice."""
    desk = Desk(bad=[trouble], a=[GOOD], b=[GOOD])
    await desk.drain(3.5)
    assert desk.sent[0] == "bad"
    assert list(desk.outcomes) == ["bad"]


async def test_refused_one_waits_alone():
    """Nothing pauses for it, and a last round tries it once more."""
    desk = Desk(bad=[REFUSED], a=[GOOD], b=[GOOD])
    await desk.drain(0.4)
    assert desk.sent == ["bad", "a", "b"]
    await desk.drain(0.4)
    assert desk.sent == ["bad", "a", "b", "bad"]


async def test_pause_lies_between_its_bounds_and_begins_anew_after_a_success():
    """The first pause is at most twice the shortest one."""
    desk = Desk(a=[AWAY, GOOD], b=[GOOD], c=[AWAY, GOOD])
    await desk.drain(5)
    assert sorted(desk.sent) == ["a", "a", "b", "c", "c"]
    pauses = [after - before for before, after in zip(desk.times, desk.times[1:], strict=False)]
    long = [pause for pause in pauses if pause > 0.1]
    assert len(long) == 2
    assert all(PAUSE_MIN_SECONDS <= pause < 2 * PAUSE_MIN_SECONDS + 0.5 for pause in long)


def test_pauses_grow_up_to_the_longest_and_are_random():
    """Full jitter above the shortest pause."""
    seen = [[pause_seconds(failures) for failures in range(1, 2_000)] for _ in range(50)]
    assert all(PAUSE_MIN_SECONDS <= each <= PAUSE_MAX_SECONDS for row in seen for each in row)
    assert max(row[0] for row in seen) <= 2 * PAUSE_MIN_SECONDS
    assert max(row[-1] for row in seen) > PAUSE_MAX_SECONDS / 2
    assert len({row[-1] for row in seen}) > 40


async def test_much_is_spread_out_and_few_are_not():
    """Half a period for all, the last ones too; a last round does not wait."""
    names = [f"d{number}" for number in range(FEW + 20)]
    desk = Desk(**{name: [GOOD] for name in names})
    working = asyncio.create_task(desk.lane.work())
    while desk.outcomes:
        await asyncio.sleep(0.01)
    spaces = [after - before for before, after in zip(desk.times, desk.times[1:], strict=False)]
    assert min(spaces) >= 4.0 / 2 / len(names)
    assert sum(spaces) < 4.0 / 2 * 1.5
    desk.outcomes = {name: [GOOD] for name in names}
    working.cancel()
    began = time.monotonic()
    await desk.drain(5)
    assert time.monotonic() - began < 0.5


async def test_urgent_ones_are_not_spread_out():
    """However many there are."""
    names = [f"d{number}" for number in range(FEW * 3)]
    desk = Desk(**{name: [GOOD] for name in names})
    desk.urgent = frozenset(names)
    working = asyncio.create_task(desk.lane.work())
    while desk.outcomes:
        await asyncio.sleep(0.01)
    working.cancel()
    assert desk.times[-1] - desk.times[0] < 0.5


def test_a_change_never_waits_long():
    """Whatever the period is; and what is due in a short one is told within it."""
    assert space_seconds(FEW, 86_400.0) == 0.0
    assert space_seconds(FEW + 1, 86_400.0) == SPACE_MAX_SECONDS
    assert space_seconds(2_000, 60.0) * 2_000 == pytest.approx(30.0)


@pytest.mark.parametrize("trouble", [AWAY, DOUBT])
async def test_question_without_an_answer_holds_up_no_report(trouble):
    """Reports may pass where questions are not answered."""
    desk = Desk(question=[trouble], a=[GOOD], b=[GOOD])
    desk.questions = frozenset({"question"})
    began = time.monotonic()
    await desk.drain(5)
    assert time.monotonic() - began < PAUSE_MIN_SECONDS
    assert desk.sent == ["question", "a", "b"]


async def test_server_that_names_a_time_is_not_asked_before():
    """Retry-After lengthens the pause."""
    desk = Desk(a=[Unavailable("busy", 1.5), GOOD])
    await desk.drain(10)
    assert desk.times[1] - desk.times[0] >= 1.5


async def test_wake_that_comes_with_a_cancellation_does_not_eat_it():
    """The service stops right after its last snapshot: the lane must end."""
    desk = Desk()
    working = asyncio.create_task(desk.lane.work())
    await asyncio.sleep(0.01)
    desk.lane.wake()
    await asyncio.sleep(0)
    working.cancel()
    done, _ = await asyncio.wait({working}, timeout=1.0)
    assert done
