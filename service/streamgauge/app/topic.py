"""Keeps one topic tailed, whatever happens to it, and hands what comes to the gauge."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

from streamgauge.events import Event, write
from streamgauge.kafka.answers import Absent, Forbidden, Present
from streamgauge.kafka.errors import BrokersUnavailableError, KafkaAccessError, TailStalledError
from streamgauge.kafka.polled import Lost, Truncated
from streamgauge.kafka.salvage import Undecodable
from streamgauge.kafka.start import start_positions
from streamgauge.kafka.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamgauge.app.context import StreamContext
    from streamgauge.core.columns import RecordReader
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.kafka.answers import TopicState
    from streamgauge.kafka.fetching import TailSettings
    from streamgauge.kafka.polled import Polled, Progress
    from streamgauge.kafka.start import StartFrom
    from streamgauge.model import Columns

RETRY_SECONDS: Final = 2.0
"""Pause before an absent, refused or unreachable topic is asked for again."""
LOOK_SECONDS: Final = 5.0
"""How often a tailed topic is looked at: new partitions, or another topic of the same name."""
BLIND_AFTER_MS: Final = 10_000
"""Partitions that nobody has answered for so long are out of sight."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Who is told what becomes of a topic."""

    folded: Callable[[Columns, ArrivalAges | None], None]
    """After records were counted; with their arrival ages, but for dead letters."""
    assigned: Callable[[str], None]
    """When the topic has its first positions."""
    waiting: Callable[[str, str], None]
    """When it cannot be tailed for this reason."""


class TopicWatch:
    """One topic of a stream: found, assigned, tailed, and found again after any trouble."""

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
        self._log = context.log.bind(topic=settings.topic)
        self._now_ms = context.now_ms
        self._reader = reader
        self._settings = settings
        self._start_from = start_from
        self._follower = follower
        self._topic = settings.topic
        self._what = f"topic {settings.topic}"
        self._topic_id: uuid.UUID | None = None
        self._seen: TopicState | None = None
        """What a look at the tailed topic has brought since the last poll."""

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

    def _lost(self, event: Event, reason: str) -> None:
        self._sight.lost(self._what, event, reason)
        self._follower.waiting(self._topic, reason)

    async def _follow(self) -> None:
        """Find the topic and tail it until it is gone or another one."""
        await self._cluster.start()
        state = await self._cluster.topic(self._topic)
        if not self._is_there(state):
            return
        await self._assign(state)
        positions = self._gauge.positions(self._topic)
        tail = await Tail.start(
            self._cluster, self._reader, self._settings, positions, clock=self._now_ms
        )
        looking = asyncio.create_task(self._look(), name=f"look at {self._topic}")
        try:
            begun_ms = self._now_ms()
            while self._seen is None or await self._is_the_same(self._seen, tail):
                self._seen = None
                self._take_in(await tail.poll(), begun_ms)
        finally:
            self._seen = None
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await tail.close()

    def _is_there(self, state: TopicState) -> TypeGuard[Present]:
        if isinstance(state, Absent):
            remedy = "create it or correct its name; the gauge never creates a topic"
            self._lost(Event.TOPIC_ABSENT, f"{self._what} does not exist; {remedy}")
        elif isinstance(state, Forbidden):
            self._lost(Event.TOPIC_FORBIDDEN, f"the right {state.right} is missing; grant it")
        return isinstance(state, Present)

    async def _assign(self, state: Present) -> dict[int, int]:
        """Give positions to the partitions that have none, and return those."""
        if self._topic_id is not None and state.topic_id != self._topic_id:
            write(self._log, Event.TOPIC_RECREATED, topic_id=str(state.topic_id))
            self._begin_life()
        self._topic_id = state.topic_id
        known = self._gauge.positions(self._topic)
        new = [partition for partition in state.partitions if partition not in known]
        if not new:
            return {}
        positions = await start_positions(
            self._cluster, self._topic, new, self._start_from, self._settings.isolation_level
        )
        self._gauge.assigned(self._topic, positions)
        write(self._log, Event.PARTITIONS_ASSIGNED, positions=positions)
        # whatever appears from now on has appeared under the gauge's eyes
        self._start_from = "earliest"
        self._follower.assigned(self._topic)
        return positions

    def _begin_life(self) -> None:
        self._gauge.begin_life(new_life(), self._topic, self._now_ms())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._seen = await self._cluster.topic(self._topic)
            except KafkaAccessError:
                continue  # the tail notices silence by itself

    async def _is_the_same(self, state: TopicState, tail: Tail) -> bool:
        """Whether the tail can go on; new partitions join it."""
        if not self._is_there(state) or state.topic_id != self._topic_id:
            return False
        try:
            positions = await self._assign(state)
        except BrokersUnavailableError:
            return True  # a new partition without leader: the next look asks again
        if positions:
            tail.add_partitions(positions)
        return True

    def _take_in(self, polled: Polled, begun_ms: int) -> None:
        for columns in polled.columns:
            self._follower.folded(columns, self._gauge.fold(columns))
        for notice in polled.notices:
            if isinstance(notice, Lost):
                after = polled.progress[notice.partition].next_offset
                self._gauge.passed(self._topic, notice.partition, after, lost=notice.records)
                write(self._log, Event.RECORDS_LOST, partition=notice.partition,
                      first_offset=notice.offset, offsets=notice.records)  # fmt: skip
            elif isinstance(notice, Undecodable):
                after = polled.progress[notice.partition].next_offset
                self._gauge.passed(self._topic, notice.partition, after, undecodable=notice.records)
                write(self._log, Event.RECORDS_UNDECODABLE, partition=notice.partition,
                      first_offset=notice.offset, records=notice.records,
                      reason=notice.damage.value)  # fmt: skip
        if any(isinstance(notice, Truncated) for notice in polled.notices):
            write(self._log, Event.LOG_TRUNCATED, notices=[str(n) for n in polled.notices])
            self._begin_life()
            positions = {p: progress.next_offset for p, progress in polled.progress.items()}
            self._gauge.assigned(self._topic, positions)
        for partition, progress in polled.progress.items():
            if progress.end_offset is not None and progress.answered_ms is not None:
                self._gauge.answered(
                    self._topic, partition, progress.end_offset, progress.answered_ms
                )
        self._judge_sight(polled, begun_ms)

    def _judge_sight(self, polled: Polled, begun_ms: int) -> None:
        forbidden = [n.right for n in polled.notices if isinstance(n, Forbidden)]
        unanswered = _unanswered(polled.progress, begun_ms, self._now_ms() - BLIND_AFTER_MS)
        if forbidden:
            self._lost(Event.TOPIC_FORBIDDEN, f"the right {forbidden[0]} is missing; grant it")
        elif unanswered:
            reason = f"no broker answers for partitions {unanswered}"
            self._sight.lost(self._what, Event.KAFKA_UNREACHABLE, reason)
        else:
            self._sight.regained(self._what)


def new_life() -> str:
    """A name for a life that no other has."""
    return uuid.uuid4().hex[:16]


def _unanswered(progress: Mapping[int, Progress], begun_ms: int, since_ms: int) -> list[int]:
    """The partitions for which no fetch was answered since then, and asked for before."""
    return [
        partition
        for partition, at in progress.items()
        if (begun_ms if at.answered_ms is None else at.answered_ms) < since_ms
    ]


def _in_one_line(error: KafkaAccessError) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines())
