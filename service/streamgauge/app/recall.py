"""From what stands in the slots to where counting goes on: in the same life, or in a new one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from streamgauge.app.context import new_life
from streamgauge.core.keeping import Goes
from streamgauge.core.state.codec import decode
from streamgauge.core.state.errors import StateError
from streamgauge.core.state.keys import topic_key
from streamgauge.core.taking_over import Begins, TakingOver
from streamgauge.events import Event, write
from streamgauge.kafka.errors import MembershipError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from streamgauge.app.context import StreamContext
    from streamgauge.core.keeping import Place
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.taking_over import ToldPosition
    from streamgauge.kafka.membership import Identity
    from streamgauge.kafka.slots import Slot

LastTold: TypeAlias = "Callable[[], Awaitable[Mapping[Place, ToldPosition] | None]]"
"""Asks for the positions of the last reports; None if nobody answers."""

LOOK_SECONDS: Final = 3.0
"""How long they are waited for where it can be decided without them."""
ASKED_SECONDS: Final = 15.0
"""How long the last report is asked for, before its absence is taken for granted.

Meanwhile nothing is counted: a first start should not wait long for a Dagster that is away.
"""


class Recall:
    """Brings the gauge to where its state says, and remembers what the state knows of topics.

    Attributes:
        topic_ids: Kafka's id of each topic when its state was stored; None where it is not known.
    """

    def __init__(self, context: StreamContext, last_told: LastTold) -> None:
        self._gauge = context.gauge
        self._log = context.log
        self._now_ms = context.now_ms
        self._last_told = last_told
        self._recreated: frozenset[str] = frozenset()
        self._absent: frozenset[str] = frozenset()
        self._untraceable: frozenset[Place] = frozenset()
        self._asked_seconds: float | None = None
        self.topic_ids: dict[str, UUID | None] = {}

    def decoded(self, slots: Mapping[Place, Slot]) -> dict[Place, PartitionState]:
        """The states that can be read; of the others it is told why they cannot."""
        states = {}
        for place, slot in slots.items():
            topic, number = place
            try:
                states[place] = self._decoded(topic, slot)
            except StateError as error:
                told = {"topic": topic, "partition": number, "offset": slot.offset}
                write(self._log, Event.STATE_UNREADABLE, **told, reason=str(error))
        return states

    def _decoded(self, topic: str, slot: Slot) -> PartitionState:
        state = decode(slot.text, slot.offset)
        if not state.fits(dead_letters=topic != self._gauge.policy.topic):
            raise StateError("it is of the time when the topic had another role")
        return state

    def came_meanwhile(self, topic: str) -> bool:
        """Whether the topic is newer than what was seen last: it is read from its beginning."""
        return topic in self._recreated or topic_key(topic) in self._absent

    def untraceable(self, topic: str) -> frozenset[int]:
        """Partitions whose slot is lost, and of which nobody told how far they were."""
        return frozenset(number for of, number in self._untraceable if of == topic)

    def placed(self, places: Iterable[Place]) -> None:
        """These have a position now."""
        self._untraceable -= frozenset(places)

    async def go_on_from(
        self,
        states: Mapping[Place, PartitionState],
        lost: AbstractSet[Place],
        before: Mapping[Place, PartitionState],
        identity: Identity,
    ) -> dict[Place, PartitionState]:
        """Forget what is in memory, and go on from what is stored.

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
        topics = {topic for topic, _ in identity.partitions}
        taking_over = TakingOver(states, lost, before, self._gauge.life[0], topics)
        self._absent = taking_over.absent_topics
        told = await self._told(must=taking_over.must_ask)
        decided = taking_over.decide(told)
        # of a topic whose slots are gone: if it was recreated, its id is another one now
        self.topic_ids |= {topic: each.topic_id for (topic, _), each in told.items()}
        if isinstance(decided, Begins):
            self._begin(decided, identity.group)
        self._untraceable = frozenset(
            (topic, number) for topic, number in lost if number not in self._gauge.positions(topic)
        )
        if not isinstance(decided, Goes):
            return {}
        self.topic_ids |= {topic: state.topic_id for (topic, _), state in decided.states.items()}
        self._gauge.restore(decided, self._now_ms())
        write(
            self._log,
            Event.STATE_RESTORED,
            group=identity.group,
            life=decided.life,
            partitions=len(decided.states),
            records=sum(state.records for state in decided.states.values()),
            dead_letters=sum(state.dead_letters for state in decided.states.values()),
        )
        return dict(decided.states)

    def _begin(self, begins: Begins, group: str) -> None:
        """A new life; a loss is told, a reset is none."""
        life, now_ms = new_life(), self._now_ms()
        more: dict[str, Any] = {"after_ms": begins.after_ms, "why": begins.why}
        self._recreated = begins.recreated
        if begins.positions is None:
            self._gauge.begin_life_here(life, now_ms, **more)
            write(self._log, Event.STATE_MISSING, group=group, reason=begins.why)
            return
        self._gauge.begin_life_at(life, begins.positions, now_ms, **more)
        if begins.positions:
            told = {f"{topic}-{n}": at for (topic, n), at in sorted(begins.positions.items())}
            write(self._log, Event.STATE_MISSING, group=group, reason=begins.why, positions=told)

    async def _told(self, *, must: bool) -> Mapping[Place, ToldPosition]:
        """The positions of the last reports; nothing if they are not needed and nobody tells them.

        Raises:
            MembershipError: if nobody can be asked; after a while it is taken for no answer.
        """
        clock = asyncio.get_running_loop().time
        told = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASKED_SECONDS if must else LOOK_SECONDS):
                told = await self._last_told()
        if told is not None or not must:
            return told or {}
        self._asked_seconds = self._asked_seconds or clock()
        if clock() - self._asked_seconds < ASKED_SECONDS:
            raise MembershipError("nobody tells where the last life had come to: Dagster is away")
        write(self._log, Event.STATE_UNKNOWN, asked_seconds=ASKED_SECONDS)
        return {}
