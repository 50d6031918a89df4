"""From what stands in the slots to where counting goes on: in the same life, or in a new one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.app.context import new_life
from streamgauge.core.keeping import goes_on
from streamgauge.core.state.codec import decode
from streamgauge.core.state.errors import StateError
from streamgauge.core.state.keys import topic_key
from streamgauge.events import Event, write
from streamgauge.kafka.errors import MembershipError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from streamgauge.app.context import StreamContext
    from streamgauge.core.keeping import Goes, Place
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.kafka.membership import Identity
    from streamgauge.kafka.slots import Slot

ASKED_SECONDS: Final = 15.0
"""How long the last report is asked for, before its absence is taken for granted.

Meanwhile nothing is counted: a first start should not wait long for a Dagster that is away.
"""


class Recall:
    """Brings the gauge to where its state says, and remembers what the state knows of topics.

    Attributes:
        topic_ids: Kafka's id of each topic when its state was stored; None where it is not known.
    """

    def __init__(
        self, context: StreamContext, last_told: Callable[[], Awaitable[Mapping[Place, int] | None]]
    ) -> None:
        self._gauge = context.gauge
        self._log = context.log
        self._now_ms = context.now_ms
        self._last_told = last_told
        self._recreated: set[str] = set()
        self._absent: frozenset[str] = frozenset()
        self._asked_seconds: float | None = None
        self.topic_ids: dict[str, UUID | None] = {}

    def decoded(self, slots: Mapping[Place, Slot]) -> dict[Place, PartitionState]:
        """The states that can be read; of the others it is told why they cannot."""
        states = {}
        for place, slot in slots.items():
            try:
                states[place] = decode(slot.text, slot.offset)
            except StateError as error:
                topic, number = place
                told = {"topic": topic, "partition": number, "offset": slot.offset}
                write(self._log, Event.STATE_UNREADABLE, **told, reason=str(error))
        return states

    def came_meanwhile(self, topic: str) -> bool:
        """Whether the topic is newer than what was seen last: it is read from its beginning."""
        return topic in self._recreated or topic_key(topic) in self._absent

    async def go_on_from(
        self,
        states: Mapping[Place, PartitionState],
        lost: AbstractSet[Place],
        before: Mapping[Place, PartitionState],
        identity: Identity,
    ) -> dict[Place, PartitionState]:
        """Forget what is in memory, and go on from what is stored.

        Without the counts of a slot that is gone or cannot be read the totals of the life would
        shrink, and so they would where the slots are older than what was told.

        Args:
            states: what stands in the slots.
            lost: places whose slot is gone or cannot be read.
            before: what this process had seen stored; empty at its first time.
            identity: under which the slots were read.

        Returns:
            The states of the life that goes on; none where a new one begins.

        Raises:
            MembershipError: if nobody can be asked where the last life had come to.
        """
        found = goes_on(states)
        older = found is not None and _is_less(found, before, self._gauge.life[0])
        if before and (not states or (found is None and not lost)):
            self._begin_here(identity.group, states)
            return {}
        if lost or older or not states:
            await self._begin_where_told(identity.group, found, states)
            return {}
        if found is None:  # all was forgotten on purpose
            self._begin({}, states)
            return {}
        self._absent = frozenset().union(*(each.absent_topics for each in found.states.values()))
        if await self._begin_if_recreated(identity, found, states):
            return {}
        self.topic_ids |= {topic: state.topic_id for (topic, _), state in found.states.items()}
        self._gauge.restore(found, self._now_ms())
        write(
            self._log,
            Event.STATE_RESTORED,
            group=identity.group,
            life=found.life,
            partitions=len(found.states),
            records=sum(state.records for state in found.states.values()),
            dead_letters=sum(state.dead_letters for state in found.states.values()),
        )
        return dict(found.states)

    def _begin(
        self, positions: Mapping[Place, int], states: Mapping[Place, PartitionState]
    ) -> None:
        """A new life; it begins after all others that stand there, whatever the clocks say."""
        self._gauge.begin_life_at(
            new_life(), positions, self._now_ms(), after_ms=_latest_start_ms(states)
        )

    def _begin_here(self, group: str, states: Mapping[Place, PartitionState]) -> None:
        """All is gone or forgotten while this process was at work: it knows where it was."""
        self._gauge.begin_life_here(new_life(), self._now_ms(), after_ms=_latest_start_ms(states))
        write(self._log, Event.STATE_MISSING, group=group)

    async def _begin_if_recreated(
        self, identity: Identity, found: Goes, states: Mapping[Place, PartitionState]
    ) -> bool:
        """A topic without a slot beside others that have one was recreated, if it was ever told.

        Kafka drops the slots of a topic with the topic. It is read from its beginning then.
        """
        stored = {topic for topic, _ in found.everything}
        topics = {topic for topic, _ in identity.partitions}
        without = {topic for topic in topics - stored if topic_key(topic) not in self._absent}
        if not without:
            return False
        told = {topic for topic, _ in await self._told()}
        self._recreated = without & told
        if self._recreated:
            self._begin(found.everything, states)
            write(
                self._log, Event.STATE_MISSING, group=identity.group, topics=sorted(self._recreated)
            )
        return bool(self._recreated)

    async def _begin_where_told(
        self, group: str, found: Goes | None, states: Mapping[Place, PartitionState]
    ) -> None:
        """A state is gone: a new life begins where the last one was told to be, if there was one.

        Only without any trace of a life does reading begin where the configuration says.
        """
        readable = {} if found is None else found.everything
        positions = {**await self._told(), **readable}
        if positions or states:
            self._begin(positions, states)
        if positions:
            told = {f"{topic}-{number}": at for (topic, number), at in sorted(positions.items())}
            write(self._log, Event.STATE_MISSING, group=group, positions=told)

    async def _told(self) -> Mapping[Place, int]:
        """The positions of the last reports.

        Raises:
            MembershipError: if nobody can be asked; after a while it is taken for no answer.
        """
        clock = asyncio.get_running_loop().time
        told = await self._last_told()
        if told is not None:
            return told
        self._asked_seconds = self._asked_seconds or clock()
        if clock() - self._asked_seconds < ASKED_SECONDS:
            raise MembershipError("nobody tells where the last life had come to: Dagster is away")
        write(self._log, Event.STATE_UNKNOWN, asked_seconds=ASKED_SECONDS)
        return {}


def _is_less(found: Goes, before: Mapping[Place, PartitionState], life: str) -> bool:
    """Whether less is stored than this process has seen stored, in the same life."""
    return found.life == life and any(
        place in found.states and found.states[place].position < state.position
        for place, state in before.items()
    )


def _latest_start_ms(states: Mapping[Place, PartitionState]) -> int:
    """When the latest of the lives began that stand there; 0 if there is none."""
    return max((state.life_start_ms for state in states.values()), default=0)
