"""A lane: one delivery after another, spread out, with pauses while Dagster is away."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Final, assert_never

from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from streamgauge.dagster.contact import Contact
    from streamgauge.dagster.outcome import Outcome

PAUSE_MIN_SECONDS: Final = 0.5
PAUSE_MAX_SECONDS: Final = 30.0
REFUSED_PAUSE_SECONDS: Final = 60.0
"""A delivery that was refused is not tried again before this time; others are."""
FEW: Final = 20
"""So many deliveries go out one right after the other; more are spread out."""
SPACE_MAX_SECONDS: Final = 0.5
"""Between two deliveries that are spread out; a change waits no longer."""
_RANDOM: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that is to be told now."""

    name: str
    """The same whenever this thing is told."""
    send: Callable[[], Awaitable[Outcome]]
    urgent: bool = False
    """Whether it goes out at once, however much there is."""
    only_asks: bool = False
    """Whether its success does not say that reports get through."""


class Lane:
    """What is due is asked anew before each delivery, so that nothing old is ever sent.

    When very much is due at once, at the start or after an outage, it is spread over about half a
    period, for the webserver serves its users worse while it stores; and what was spread out once
    becomes due spread out.
    """

    def __init__(
        self,
        name: str,
        due: Callable[[], Sequence[Delivery]],
        contact: Contact,
        *,
        look_every_seconds: float,
        period_seconds: float,
    ) -> None:
        self._name = name
        self._due = due
        self._contact = contact
        self._look_every_seconds = look_every_seconds
        self._period_seconds = period_seconds
        self._space_seconds = 0.0
        self._most = 0
        """How many were due at most since none was."""
        self._unanswered = 0
        self._ask_from: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._failures = 0
        self._refused_until: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def work(self) -> None:
        """Deliver whatever becomes due, until cancelled."""
        while True:
            self._wake.clear()
            if await self._deliver_one():
                await asyncio.sleep(self._space_seconds)
            else:
                with contextlib.suppress(TimeoutError):
                    # not wait_for(), which loses a cancellation that comes together with the wake
                    async with asyncio.timeout(self._look_every_seconds):
                        await self._wake.wait()

    async def drain(self) -> None:
        """Deliver what is due now and return; what is refused is tried once more."""
        self._failures = 0
        self._refused_until.clear()
        while await self._deliver_one():
            pass

    async def _deliver_one(self) -> bool:
        """Whether anything was to be delivered."""
        clock = asyncio.get_running_loop().time
        waits = self._refused_until | self._ask_from
        ready = [d for d in self._due() if waits.get(d.name, 0.0) <= clock()]
        # not what is left: the rest of many would go out ever more slowly
        self._most = max(self._most, len(ready)) if ready else 0
        if not ready:
            return False
        # what failed goes behind the rest, so that one that always fails holds nothing up
        delivery = min(ready, key=lambda each: self._failed_at.get(each.name, 0.0))
        spread = space_seconds(self._most, self._period_seconds)
        self._space_seconds = 0.0 if delivery.urgent else spread
        outcome = await delivery.send()
        lane = delivery.name if delivery.only_asks else self._name
        self._contact.note(lane, delivery.name, outcome, only_asks=delivery.only_asks)
        if delivery.only_asks and isinstance(outcome, Unavailable | Ambiguous):
            # reports may pass where questions are not answered: they do not wait for it
            self._unanswered += 1
            self._ask_from[delivery.name] = clock() + pause_seconds(self._unanswered)
            return True
        match outcome:
            case Accepted():
                if self._failures or delivery.only_asks:  # who was away is asked at once
                    self._unanswered = 0
                    self._ask_from.clear()
                self._failures = 0
                self._failed_at.clear()
                self._refused_until.pop(delivery.name, None)
            case Misconfigured():
                self._refused_until[delivery.name] = clock() + REFUSED_PAUSE_SECONDS
            case Unavailable(retry_after_seconds=asked):
                self._failed_at[delivery.name] = clock()
                await self._pause(asked or 0.0)
            case Ambiguous():
                self._failed_at[delivery.name] = clock()
                await self._pause()
            case _:
                assert_never(outcome)
        return True

    async def _pause(self, least_seconds: float = 0.0) -> None:
        self._failures += 1
        await asyncio.sleep(max(pause_seconds(self._failures), least_seconds))


def space_seconds(count: int, period_seconds: float) -> float:
    """How long a delivery of so many waits for the next, for the sake of the webserver's users."""
    return min(SPACE_MAX_SECONDS, period_seconds / 2 / count) if count > FEW else 0.0


def pause_seconds(failures: int) -> float:
    """Longer with each failure in a row, and random, so that gauges do not return together."""
    longest = PAUSE_MIN_SECONDS * 2.0 ** min(failures, 10)
    return _RANDOM.uniform(PAUSE_MIN_SECONDS, min(longest, PAUSE_MAX_SECONDS))
