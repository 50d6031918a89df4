"""Keeps a stream's state in Kafka: one writer, one commit in flight, nothing told before it is.

The state of each partition stands beside its offset in the commits of the gauge's own group. Rules:

1. Only the member that holds the group counts; any other stands by and tells nothing.
2. Whoever becomes the holder reads all slots from the broker that made it so. It keeps what it
   has in memory only if each slot is the last that it wrote itself; else it goes on from the slots.
3. The first position of a partition is stored before anything is counted of it.
4. After a commit of unknown fate the group is joined under a new member id before anything else,
   because that commit may still land.
5. Where the group is refused, or does not keep what is written, counts live in memory alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from streamgauge.app.context import new_life
from streamgauge.app.sight import Loss
from streamgauge.core.keeping import goes_on, grown, is_own, is_same, planted
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.errors import StateError, StateTooLargeError
from streamgauge.events import Event, write
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import GroupRefusedError, KafkaAccessError, MembershipError
from streamgauge.kafka.slots import Fate, Slot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from streamgauge.app.context import StreamContext
    from streamgauge.core.keeping import Goes, Place
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.topic import Captured
    from streamgauge.kafka.membership import Identity, Membership
    from streamgauge.kafka.slots import Answer, Slots

LEAST_SECONDS: Final = 1.0
"""Between two commits, unless a dead letter has arrived."""
MOST_SECONDS: Final = 10.0
"""After so long a state is stored again even if nothing was counted: its as-of time has moved."""
BYTES_PER_SECOND: Final = 65_536
"""What is written to Kafka on average at most: large states are stored less often."""
RETRY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.5
"""How often it is looked whether the membership still stands."""
ASSIGNED_SECONDS: Final = 15.0
"""How long new partitions wait to be assigned, until that is told as trouble."""
ASKED_SECONDS: Final = 60.0
"""How long it is tried to read back the last report, before its absence is taken for granted."""
STATE: Final = "stored state"
"""What the gauge is blind about while nothing can be stored."""


class NotKeptError(MembershipError):
    """The service keeps no state."""


class Keeper:
    """The state of one stream, from the first read of its slots to the last commit.

    Attributes:
        restarts: grows whenever the gauge's positions have jumped; tails begin anew then.
        stands_by: whether another process holds the group.
    """

    def __init__(
        self,
        context: StreamContext,
        membership: Membership,
        slots: Slots,
        writer: str,
        last_told: Callable[[], Awaitable[Mapping[Place, int] | None]],
    ) -> None:
        self._gauge = context.gauge
        self._sight = context.sight
        self._log = context.log
        self._now_ms = context.now_ms
        self._membership = membership
        self._slots = slots
        self._writer = writer
        self._last_told = last_told
        self._version = 0
        self._sent: dict[Place, PartitionState] = {}
        self._doubtful: dict[Place, tuple[Captured, PartitionState]] = {}
        self._topic_ids: dict[str, UUID | None] = {}
        self._one_at_a_time = asyncio.Lock()
        self._counts = asyncio.Event()
        self._wake = asyncio.Event()
        self._identity: Identity | None = None
        self._in_memory = False
        self._in_flight = False
        self._must_join_anew = False
        self._stood_by = False
        self._recreated: set[str] = set()
        self._asked_seconds: float | None = None
        self._read_back = False
        self._stored: Callable[[], None] = _nothing
        self.restarts = 0
        self.stands_by = False

    async def run(self) -> None:
        """Hold the state, or stand by, until cancelled."""
        while not self._in_memory:
            self._must_join_anew = False
            try:
                await self._membership.join()
                while True:
                    identity = await self._membership.assigned()
                    if not identity.holds:
                        await self._stand_by(identity)
                    elif await self._adopt(identity):
                        await self._hold(identity)
            except NotKeptError as error:
                self._keep_in_memory(str(error))
            except GroupRefusedError as error:
                if self._sent or self._stood_by:
                    self._lost(str(error))
                else:
                    self._keep_in_memory(str(error))
            except KafkaAccessError as error:
                self._lost(str(error))
            self._identity = None
            await self._membership.leave()
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.Event().wait()

    async def may_count(self) -> None:
        """Return when this process is the one that counts."""
        await self._counts.wait()

    def jumped(self) -> None:
        """The gauge's positions are others now: what is being tailed has to begin anew."""
        self.restarts += 1

    def wake(self, stored: Callable[[], None]) -> None:
        """Something has arrived that is to be stored now; then call `stored`, which tells it."""
        self._stored = stored
        if self._in_memory:
            stored()
        self._wake.set()

    def topic_id(self, topic: str) -> UUID | None:
        """The id of a topic when its state was stored, None where that is not known."""
        return self._topic_ids.get(topic)

    async def plant(
        self, topic: str, topic_id: UUID | None, positions: Mapping[int, int]
    ) -> dict[int, int]:
        """Store the first positions of partitions, and assign those that are stored.

        A partition that is not assigned to this member yet waits for the next assignment.
        """
        self._topic_ids[topic] = topic_id or self._topic_ids.get(topic)
        identity = await self._assigned({(topic, partition) for partition in positions})
        # what was restored while this waited has a position, and a state that must not be replaced
        known = self._gauge.positions(topic)
        new = {(topic, p): at for p, at in positions.items() if p not in known}
        if self._in_memory:
            begun = {number: at for (_, number), at in new.items()}
            self._gauge.assigned(topic, begun)
            return begun
        if identity is None:
            return {}
        mine = {place: at for place, at in new.items() if place in identity.partitions}
        stored = await self._plant(identity, mine)
        begun = {number: at for (_, number), at in mine.items() if (topic, number) in stored}
        self._gauge.assigned(topic, begun)
        self._gauge.planted(stored)
        return begun

    async def _assigned(self, places: set[Place]) -> Identity | None:
        """The identity under which these may be committed, if it comes in time.

        A topic that has just been created makes a new assignment, once the member looks.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + ASSIGNED_SECONDS
        while not self._in_memory and clock() < deadline:
            if self._identity is not None and places <= self._identity.partitions:
                break
            self._membership.look()
            await asyncio.sleep(LOOK_SECONDS)
        return self._identity

    async def store_last(self, seconds: float) -> None:
        """Store what is not stored yet, and leave the group, within this time.

        Nothing more is sent after a commit that was cut off: it may still land.
        """
        with contextlib.suppress(TimeoutError, KafkaAccessError):
            async with asyncio.timeout(seconds):
                try:
                    if self._identity is not None and not self._in_flight:
                        await self._store(self._identity, self._gauge.capture(before_ms=0))
                finally:
                    await self._membership.leave()

    async def _stand_by(self, identity: Identity) -> None:
        """Wait for another assignment: somebody else counts."""
        self._identity = None
        self._counts.clear()
        self.stands_by = self._stood_by = True
        self.jumped()
        write(self._log, Event.STATE_HELD_ELSEWHERE, group=identity.group)
        while self._membership.identity is identity:
            self._membership.check()
            await asyncio.sleep(LOOK_SECONDS)

    def _keep_in_memory(self, reason: str) -> None:
        """Rule 5."""
        write(self._log, Event.STATE_NOT_KEPT, reason=reason)
        self._in_memory = True
        self._gauge.keep_in_memory()
        self._counts.set()

    async def _adopt(self, identity: Identity) -> bool:
        """Rule 2: read the slots, and go on from them or from memory; False to try again."""
        places = identity.partitions | self._sent.keys()
        read = await self._slots.read(identity, places)
        if isinstance(read, Forbidden):
            raise GroupRefusedError(f"the right {read.right} is missing; grant it")
        if isinstance(read, Retry):
            self._lost(read.reason)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        states = self._decoded(read)
        doubts = {place: state for place, (_, state) in self._doubtful.items()}
        if self._sent and is_own(states, self._sent, doubts):
            self._settle_doubts(states)
        else:
            gone = self._sent.keys() - states.keys()
            await self._go_on_from(states, (read.keys() - states.keys()) | gone, identity)
        self._doubtful.clear()
        self._identity = identity
        self.stands_by = False
        self._counts.set()
        self._sight.regained([STATE])
        return True

    def _decoded(self, slots: Mapping[Place, Slot]) -> dict[Place, PartitionState]:
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

    def _settle_doubts(self, states: Mapping[Place, PartitionState]) -> None:
        """A commit of unknown fate has landed if it stands there now."""
        for place, (captured, state) in self._doubtful.items():
            if place in states and is_same(states[place], state):
                self._sent[place] = state
                self._gauge.settle(captured, state)

    async def _go_on_from(
        self, states: Mapping[Place, PartitionState], lost: AbstractSet[Place], identity: Identity
    ) -> None:
        """Forget what is in memory, and go on from what is stored.

        Without the counts of a slot that is gone or cannot be read the totals of the life would
        shrink, and so they would where the slots are older than what was told.
        """
        before, self._sent = self._sent, {}
        had = bool(before)
        self.jumped()
        found = goes_on(states)
        older = found is not None and _is_less(found, before, self._gauge.life[0])
        if lost or older or not states:
            readable = {} if found is None else found.everything
            in_memory = had and not states
            await self._begin_where_told(identity.group, readable, in_memory=in_memory)
            return
        if found is None:  # all was forgotten on purpose
            if had:
                self._gauge.begin_life_here(new_life(), self._now_ms())
            return
        if await self._begin_if_recreated(identity, found):
            return
        self._topic_ids |= {topic: state.topic_id for (topic, _), state in found.states.items()}
        self._sent = dict(found.states)
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

    async def _begin_if_recreated(self, identity: Identity, found: Goes) -> bool:
        """A topic without a slot beside others that have one was recreated, if it was ever told.

        Kafka drops the slots of a topic with the topic. It is read from its beginning then.
        """
        stored = {topic for topic, _ in found.everything}
        without = {topic for topic, _ in identity.partitions} - stored
        if not without:
            return False
        told = {topic for topic, _ in await self._told()}
        self._recreated = without & told
        if self._recreated:
            self._gauge.begin_life_at(new_life(), found.everything, self._now_ms())
            write(
                self._log, Event.STATE_MISSING, group=identity.group, topics=sorted(self._recreated)
            )
        return bool(self._recreated)

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
        return {}

    def was_recreated(self, topic: str) -> bool:
        """Whether the topic is another one than the one whose state was lost with it."""
        return topic in self._recreated

    async def _begin_where_told(
        self, group: str, readable: Mapping[Place, int], *, in_memory: bool
    ) -> None:
        """A state is gone: a new life begins where the last one was told to be, if there was one.

        Only without any trace of a life does reading begin where the configuration says.
        """
        if in_memory:
            self._gauge.begin_life_here(new_life(), self._now_ms())
            write(self._log, Event.STATE_MISSING, group=group)
            return
        positions = {**await self._told(), **readable}
        if positions:
            self._gauge.begin_life_at(new_life(), positions, self._now_ms())
            told = {f"{topic}-{number}": at for (topic, number), at in sorted(positions.items())}
            write(self._log, Event.STATE_MISSING, group=group, positions=told)

    async def _hold(self, identity: Identity) -> None:
        """Store what is counted until the assignment is another one."""
        clock = asyncio.get_running_loop().time
        due_seconds = clock()
        while self._membership.identity is identity:
            self._membership.check()
            if self._must_join_anew:
                raise MembershipError("a first position was not stored for certain")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_SECONDS, max(0.0, due_seconds - clock()))):
                    await self._wake.wait()
            if not self._wake.is_set() and clock() < due_seconds:
                continue
            self._wake.clear()
            await self._plant_the_rest(identity)
            await self._must_be_kept(identity)
            before_ms = self._now_ms() - round(1_000 * MOST_SECONDS)
            written = await self._store(identity, self._gauge.capture(before_ms=before_ms))
            self._stored()
            self._stored = _nothing
            due_seconds = clock() + min(MOST_SECONDS, LEAST_SECONDS + written / BYTES_PER_SECOND)

    async def _must_be_kept(self, identity: Identity) -> None:
        """Read back once what was stored: some services answer well and keep no text.

        Raises:
            NotKeptError: this is one of them.
        """
        if self._read_back or not self._sent:
            return
        read = await self._slots.read(identity, self._sent)
        if isinstance(read, dict):
            self._read_back = True
            if not any(slot.text for slot in read.values()):
                raise NotKeptError("the service does not keep the text beside a committed offset")

    async def _plant_the_rest(self, identity: Identity) -> None:
        """Partitions that went on into a new life have nothing stored of it yet."""
        unstored = self._gauge.unstored()
        mine = {place: at for place, at in unstored.items() if place in identity.partitions}
        self._gauge.planted(await self._plant(identity, mine))

    async def _plant(
        self, identity: Identity, positions: Mapping[Place, int]
    ) -> dict[Place, PartitionState]:
        """Store first states; gives those that are stored."""
        life = self._gauge.life
        states = {
            place: planted(self._topic_ids.get(place[0]), life, at, self._signature())
            for place, at in positions.items()
        }
        stored = {place: states[place] for place in await self._commit(identity, states)}
        self._sent |= stored
        return stored

    async def _store(self, identity: Identity, captured: list[Captured]) -> int:
        """Store what was captured and tell the gauge; give the bytes that were written."""
        by_place = {(each.topic, each.partition): each for each in captured}
        states = {
            place: grown(each, self._gauge.last_arrival_ms(each.topic), self._signature())
            for place, each in by_place.items()
        }
        try:
            stored = await self._commit(identity, states)
        except MembershipError:
            self._doubtful |= {place: (by_place[place], states[place]) for place in states}
            raise
        for place in stored:
            self._sent[place] = states[place]
            self._gauge.settle(by_place[place], states[place])
        return sum(stored.values())

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
            self._in_flight = True
            answers = await self._slots.commit(identity, slots.values())
            self._in_flight = False
        self._judge({answer.fate: answer for answer in answers.values()})
        return {
            place: len(slots[place].text.encode())
            for place, answer in answers.items()
            if answer.fate is Fate.STORED
        }

    def _encoded(self, place: Place, state: PartitionState) -> Iterator[Slot]:
        """The slot of a state, if its counts fit in one; that takes 2^40 ages not to."""
        try:
            yield Slot(*place, state.position, encode(state).text)
        except StateTooLargeError as error:
            self._lost(f"partition {place[1]} of {place[0]}: {error}")

    def _judge(self, answers: Mapping[Fate, Answer]) -> None:
        for fate in (Fate.IN_DOUBT, Fate.FENCED):
            if fate in answers:
                self._must_join_anew = True
                raise MembershipError(f"a commit is {fate.value}: {answers[fate].reason}")
        refused = answers.keys() - {Fate.STORED, Fate.ABSENT, Fate.REBALANCING, Fate.LATER}
        if refused:
            fate = refused.pop()
            self._lost(f"a commit is {fate.value}: {answers[fate].reason}")
        elif Fate.STORED in answers:
            self._sight.regained([STATE])

    def _signature(self) -> tuple[str, int]:
        self._version += 1
        return self._writer, self._version

    def _lost(self, reason: str) -> None:
        self._sight.lost(Event.STATE_NOT_STORED, [Loss(STATE, reason)])


def _nothing() -> None:
    """Nobody waits for what is stored."""


def _is_less(found: Goes, before: Mapping[Place, PartitionState], life: str) -> bool:
    """Whether less is stored than this process has seen stored, in the same life."""
    return found.life == life and any(
        place in found.states and found.states[place].position < state.position
        for place, state in before.items()
    )
