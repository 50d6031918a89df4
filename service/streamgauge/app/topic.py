"""Keeps one topic tailed, whatever happens to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

from streamgauge.app.intake import Intake
from streamgauge.app.positions import Positions
from streamgauge.app.sight import Loss
from streamgauge.app.silence import Silence
from streamgauge.core.wording import few
from streamgauge.events import Event
from streamgauge.kafka.answers import Absent, Forbidden, Present
from streamgauge.kafka.errors import KafkaAccessError, TailStalledError
from streamgauge.kafka.polled import Truncated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamgauge.app.context import StreamContext
    from streamgauge.core.columns import RecordReader
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.kafka.answers import TopicState
    from streamgauge.kafka.fetching import TailSettings
    from streamgauge.kafka.polled import Polled
    from streamgauge.kafka.start import StartFrom
    from streamgauge.kafka.tail import Tail
    from streamgauge.model import Columns

RETRY_SECONDS: Final = 2.0
"""Pause before an absent, refused or unreachable topic is asked for again."""
LOOK_SECONDS: Final = 5.0
"""How often a tailed topic is looked at: new partitions, or another topic of the same name."""
LOOK_FOR_GROUPS_SECONDS: Final = 1.0
"""The same where groups are watched: their lag is not known until a partition is."""
BLIND_AFTER_SECONDS: Final = 10.0
"""Beyond the wait of a fetch: partitions without an answer for so long are out of sight."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Who is told what becomes of a topic."""

    folded: Callable[[Columns, ArrivalAges | None], None]
    """After records were counted; with their arrival ages, but for dead letters."""
    assigned: Callable[[str], None]
    """When the topic has its first positions."""
    waiting: Callable[[str, str], None]
    """When it cannot be tailed for this reason."""
    before_poll: Callable[[], Awaitable[None]]
    """What has to be done before the tail is polled."""


class TopicWatch:
    """One topic of a stream: found, assigned, tailed, and found again after any trouble.

    The gauge's positions are the only ones: a new tail begins where the gauge has counted to, so
    that a poll that was cut short is read again and none is counted twice.
    """

    def __init__(
        self,
        context: StreamContext,
        reader: RecordReader,
        settings: TailSettings,
        start_from: StartFrom,
        follower: Follower,
    ) -> None:
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._sight = context.sight
        self._now_ms = context.now_ms
        self._start_tail = context.start_tail
        self._keeper = context.keeper
        self._reader = reader
        self._settings = settings
        self._follower = follower
        self._topic = settings.topic
        self._what = f"topic {settings.topic}"
        policy = context.gauge.policy
        watched = policy.groups and policy.topic == settings.topic
        self._look_seconds = LOOK_FOR_GROUPS_SECONDS if watched else LOOK_SECONDS
        self._positions = Positions(context, settings.topic, start_from)
        self._intake = Intake(context, settings.topic, follower.folded)

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        while True:
            try:
                await self._follow()
            except TailStalledError as error:
                self._lost(Event.TAIL_STALLED, str(error))
            except KafkaAccessError as error:
                self._lost(Event.KAFKA_UNREACHABLE, _in_one_line(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        """Find the topic and tail it until it is gone or another one."""
        await self._cluster.start()
        state = await self._cluster.topic(self._topic)
        if not self._is_there(state):
            return
        begun = await self._assign(state)
        restarts = self._restarts
        positions = self._gauge.positions(self._topic)
        if not positions:
            self._lost(Event.KAFKA_UNREACHABLE, self._unanswered([]))
            return
        if not begun:  # all of them were restored, or had been found before
            self._follower.assigned(self._topic)
        tail = await self._start_tail(
            self._cluster, self._reader, self._settings, positions, clock=self._now_ms
        )
        looking = asyncio.create_task(self._look(), name=f"look at {self._topic}")
        try:
            silence = Silence(BLIND_AFTER_SECONDS + self._settings.fetching.max_wait_ms / 1000)
            while True:
                await self._follower.before_poll()
                polled = await tail.poll()
                if _truncated(polled) and not await self._goes_on(await self._ask(), tail):
                    return
                if self._restarts != restarts:
                    return
                self._intake.take_in(polled)
                self._judge_sight(polled, silence)
                if self._restarts != restarts:
                    return
                if looking.done():
                    if not await self._goes_on(looking.result(), tail):
                        return
                    looking = asyncio.create_task(self._look(), name=f"look at {self._topic}")
        finally:
            looking.cancel()
            await tail.close()

    @property
    def _restarts(self) -> int:
        """Another number means that the gauge's positions have jumped."""
        return 0 if self._keeper is None else self._keeper.restarts

    async def _ask(self) -> TopicState:
        return await self._cluster.topic(self._topic)

    async def _look(self) -> TopicState:
        """What the topic is some seconds later."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                return await self._ask()
            except KafkaAccessError:
                continue  # the tail notices silence by itself

    async def _goes_on(self, state: TopicState, tail: Tail) -> bool:
        """Whether the tail can go on; new partitions join it."""
        if not self._is_there(state) or self._positions.is_another(state):
            return False
        try:
            positions = await self._assign(state)
        except KafkaAccessError:
            return True  # what is missing is told, and the next look asks again
        if positions:
            tail.add_partitions(positions)
        return True

    def _is_there(self, state: TopicState) -> TypeGuard[Present]:
        if isinstance(state, Absent):
            self._positions.absent()
            remedy = "create it or correct its name; the gauge never creates a topic"
            self._lost(Event.TOPIC_ABSENT, f"{self._what} does not exist; {remedy}")
        elif isinstance(state, Forbidden):
            self._lost(Event.TOPIC_FORBIDDEN, _grant(state))
        return isinstance(state, Present)

    async def _assign(self, state: Present) -> dict[int, int]:
        positions = await self._positions.assign(state)
        if positions:
            self._follower.assigned(self._topic)
        return positions

    def _judge_sight(self, polled: Polled, silence: Silence) -> None:
        """Only an answer for every partition shows that what was lost is back."""
        now_seconds = asyncio.get_running_loop().time()
        silence.note(polled.progress, now_seconds)
        forbidden = [notice for notice in polled.notices if isinstance(notice, Forbidden)]
        silent = silence.unanswered(now_seconds)
        if forbidden:
            silence.begin_anew()
            self._lost(Event.TOPIC_FORBIDDEN, _grant(forbidden[0]))
        elif silent or self._positions.missing:
            unseen = BLIND_AFTER_SECONDS if silent else 0.0
            self._lost(Event.KAFKA_UNREACHABLE, self._unanswered(silent), unseen)
        elif silence.all_heard:
            self._sight.regained([self._what])

    def _unanswered(self, silent: list[int]) -> str:
        partitions = few(sorted({*silent, *self._positions.missing}))
        return f"no broker answers for partition {partitions or 'any'}"

    def _lost(self, event: Event, reason: str, unseen_seconds: float = 0.0) -> None:
        self._sight.lost(event, [Loss(self._what, reason, unseen_seconds)])
        self._follower.waiting(self._topic, reason)


def _truncated(polled: Polled) -> bool:
    return any(isinstance(notice, Truncated) for notice in polled.notices)


def _grant(forbidden: Forbidden) -> str:
    return f"the right {forbidden.right} is missing; grant it"


def _in_one_line(error: KafkaAccessError) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines())
