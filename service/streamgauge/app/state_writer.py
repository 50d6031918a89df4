"""Writes states into slots, one commit in flight, and knows what of it stands there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from streamgauge.app.sight import Loss
from streamgauge.core.keeping import grown, is_own, is_same, planted
from streamgauge.core.state.codec import encode
from streamgauge.core.state.errors import StateTooLargeError
from streamgauge.core.written import Written
from streamgauge.events import Event
from streamgauge.kafka.errors import MembershipError
from streamgauge.kafka.slots import Fate, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from streamgauge.app.context import StreamContext
    from streamgauge.core.keeping import Place
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.topic import Captured
    from streamgauge.kafka.membership import Identity
    from streamgauge.kafka.slots import Answer, Slots

STATE: Final = "stored state"
"""What the gauge is blind about while nothing can be stored."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A state that is to be stored, as captured."""

    captured: Captured
    state: PartitionState


class StateWriter:
    """The slots of one stream, as far as this process has written them."""

    def __init__(self, context: StreamContext, group: str, slots: Slots, writer: str) -> None:
        self._gauge = context.gauge
        self._sight = context.sight
        self._now_ms = context.now_ms
        self._slots = slots
        self._writer = writer
        self._version = 0
        self._doubtful: dict[Place, _Draft] = {}
        self._one_at_a_time = asyncio.Lock()
        self._written = Written(group, context.now_ms())
        self.sent: Mapping[Place, PartitionState] = {}
        """What is known to stand in the slots, written or read by this process."""
        self._ended: Mapping[Place, PartitionState] = {}
        self.in_flight = False
        """Whether a commit went out and its answer is awaited."""
        self.must_join_anew = False
        """Whether a commit may still land under the present member id."""

    def begin_anew(self, found: Mapping[Place, PartitionState]) -> None:
        """These stand in the slots now, whoever wrote them; none where a new life begins."""
        self._ended = {} if found else {**self._ended, **self.sent}
        self.sent = dict(found)

    def seen(self, places: AbstractSet[Place]) -> dict[Place, PartitionState]:
        """What this process has seen stored last, of these places also in a life that has ended.

        Until the next life is stored, nobody else may know where the ended one was.
        """
        return {p: state for p, state in self._ended.items() if p in places} | dict(self.sent)

    def recognizes(self, states: Mapping[Place, PartitionState]) -> bool:
        """Whether all that stands in the slots is what this process wrote last."""
        doubts = {place: draft.state for place, draft in self._doubtful.items()}
        return bool(self.sent) and is_own(states, self.sent, doubts)

    def settle_doubts(self, states: Mapping[Place, PartitionState]) -> None:
        """A commit of unknown fate has landed if it stands there now."""
        landed = {
            place: draft
            for place, draft in self._doubtful.items()
            if place in states and is_same(states[place], draft.state)
        }
        self._settle(landed)

    def forget_doubts(self) -> None:
        """What stands there was read: nothing that is in doubt can land any more."""
        self._doubtful.clear()

    async def plant(
        self,
        identity: Identity,
        topic_ids: Mapping[str, UUID | None],
        positions: Mapping[Place, int],
    ) -> dict[Place, PartitionState]:
        """Store first states; gives those that are stored.

        Raises:
            MembershipError: if the fate of one is unknown, or the member is fenced.
        """
        life = self._gauge.life
        states = {
            place: planted(topic_ids.get(place[0]), life, at, self._signature())
            for place, at in positions.items()
        }
        stored = {place: states[place] for place in await self._commit(identity, states)}
        self.sent = {**self.sent, **stored}
        return stored

    async def store(
        self, identity: Identity, captured: Iterable[Captured], absent_topics: Iterable[str]
    ) -> int:
        """Store what was captured and tell the gauge; give the bytes that were written.

        Args:
            identity: under which it is committed.
            captured: of each partition at most once.
            absent_topics: keys of the topics that do not exist at present.

        Raises:
            MembershipError: if the fate of one is unknown, or the member is fenced.
        """
        drafts = {}
        for each in captured:
            place = (each.topic, each.partition)
            of = grown(each, self._gauge.last_arrival_ms(each.topic), self._signature())
            state = of.state
            if place == (self._gauge.policy.topic, 0):
                state = replace(state, absent_topics=tuple(sorted(absent_topics)))
            drafts[place] = _Draft(each, state)
            self._written.made(place, of)
        try:
            written = await self._commit(identity, {at: each.state for at, each in drafts.items()})
        except MembershipError:
            self._doubtful |= drafts
            raise
        self._settle({place: drafts[place] for place in written})
        return sum(written.values())

    def _settle(self, drafts: Mapping[Place, _Draft]) -> None:
        self.sent = {**self.sent, **{place: draft.state for place, draft in drafts.items()}}
        for draft in drafts.values():
            self._gauge.settle(draft.captured, draft.state)

    async def _commit(
        self, identity: Identity, states: Mapping[Place, PartitionState]
    ) -> dict[Place, int]:
        """Commit states; give the bytes of those that are stored.

        Raises:
            MembershipError: if the fate of one is unknown, or the member is fenced.
        """
        slots = {
            place: slot for place, state in states.items() for slot in self._encoded(place, state)
        }
        if not slots:
            return {}
        async with self._one_at_a_time:
            self.in_flight = True
            answers = await self._slots.commit(identity, slots.values())
            self.in_flight = False
        self._judge({answer.fate: answer for answer in answers.values()})
        written = {
            place: len(slots[place].text.encode())
            for place, answer in answers.items()
            if answer.fate is Fate.STORED
        }
        if written:
            self._written.stored(sum(written.values()), self._now_ms())
        self._gauge.kept_as(self._written.view(self._now_ms()))
        return written

    def _encoded(self, place: Place, state: PartitionState) -> Iterator[Slot]:
        """The slot of a state, if its counts fit in one; that takes 2^40 ages not to."""
        try:
            encoded = encode(state)
        except StateTooLargeError as error:
            self.lost(f"partition {place[1]} of {place[0]}: {error}")
            return
        self._written.encoded(place, encoded)
        yield Slot(*place, state.position, encoded.text)

    def _judge(self, answers: Mapping[Fate, Answer]) -> None:
        for fate in (Fate.IN_DOUBT, Fate.FENCED):
            if fate in answers:
                self.must_join_anew = True
                raise MembershipError(f"a commit is {fate.value}: {answers[fate].reason}")
        refused = answers.keys() - {Fate.STORED, Fate.ABSENT, Fate.REBALANCING, Fate.LATER}
        if refused:
            fate = refused.pop()
            self.lost(f"a commit is {fate.value}: {answers[fate].reason}")
        elif Fate.STORED in answers:
            self._sight.regained([STATE])

    def _signature(self) -> tuple[str, int]:
        self._version += 1
        return self._writer, self._version

    def lost(self, reason: str) -> None:
        """Nothing can be stored at present."""
        self._sight.lost(Event.STATE_NOT_STORED, [Loss(STATE, reason)])
