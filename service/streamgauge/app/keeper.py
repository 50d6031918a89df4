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
from streamgauge.app.recall import Recall
from streamgauge.app.state_writer import STATE, StateWriter
from streamgauge.core.snapshot import Keeping
from streamgauge.core.state.keys import topic_key
from streamgauge.events import Event, write
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import GroupRefusedError, KafkaAccessError, MembershipError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from streamgauge.app.context import StreamContext
    from streamgauge.app.recall import LastTold
    from streamgauge.core.keeping import Place
    from streamgauge.kafka.membership import Identity, Membership
    from streamgauge.kafka.slots import Slots

LEAST_SECONDS: Final = 1.0
"""Between two commits, unless a dead letter has arrived."""
URGENT_SECONDS: Final = 0.2
"""Between two commits if dead letters keep arriving."""
MOST_SECONDS: Final = 10.0
"""After so long a state is stored again even if nothing was counted: its as-of time has moved."""
BYTES_PER_SECOND: Final = 65_536
"""What is written to Kafka on average at most: large states are stored less often."""
RETRY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.5
"""How often it is looked whether the membership still stands."""
ASSIGNED_SECONDS: Final = 15.0
"""How long an assignment is waited for, until its absence is told as trouble."""


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
        last_told: LastTold,
    ) -> None:
        self._gauge = context.gauge
        self._sight = context.sight
        self._log = context.log
        self._now_ms = context.now_ms
        self._membership = membership
        self._slots = slots
        self._states = StateWriter(context, membership.group, slots, writer)
        self._recall = Recall(context, last_told)
        self._gauge.kept_as(Keeping(group=membership.group))
        self._counts = asyncio.Event()
        self._wake = asyncio.Event()
        self._absent_topics: set[str] = set()
        self._identity: Identity | None = None
        self._in_memory = False
        self._stood_by = False
        self._read_back = False
        self._stored: Callable[[], None] = _nothing
        self.restarts = 0
        self.stands_by = False

    async def run(self) -> None:
        """Hold the state, or stand by, until cancelled."""
        while not self._in_memory:
            self._states.must_join_anew = False
            try:
                await self._membership.join()
                while True:
                    identity = await self._given()
                    if not identity.holds:
                        await self._stand_by(identity)
                    elif await self._adopt(identity):
                        await self._hold(identity)
            except NotKeptError as error:
                self._keep_in_memory(str(error))
            except GroupRefusedError as error:
                if self._states.sent or self._stood_by:
                    self._states.lost(str(error))
                else:
                    self._keep_in_memory(str(error))
            except KafkaAccessError as error:
                self._states.lost(str(error))
            self._identity = None
            await self._membership.leave()
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.Event().wait()

    async def _given(self) -> Identity:
        """The next assignment; while none comes, that is told."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASSIGNED_SECONDS):
                    return await self._membership.assigned()
            self._states.lost(
                f"no broker has let the gauge into group {self._membership.group} for "
                f"{ASSIGNED_SECONDS:.0f} s"
            )

    async def may_count(self) -> None:
        """Return when this process is the one that counts."""
        await self._counts.wait()

    def jumped(self) -> None:
        """The gauge's positions are others now: what is being tailed has to begin anew."""
        self.restarts += 1

    def end_life(self) -> None:
        """More was told of the life than is stored: it ends, at the positions that are stored."""
        why = "more was told than was stored"
        self._gauge.begin_life_here(new_life(), self._now_ms(), why=why)
        self.jumped()
        write(self._log, Event.STATE_MISSING, group=self._membership.group, reason=why)

    def wake(self, stored: Callable[[], None]) -> None:
        """Something has arrived that is to be stored now; then call `stored`, which tells it."""
        self._stored = stored
        if self._in_memory:
            stored()
        self._wake.set()

    def topic_id(self, topic: str) -> UUID | None:
        """The id of a topic when its state was stored, None where that is not known."""
        return self._recall.topic_ids.get(topic)

    def absent(self, topic: str) -> None:
        """The topic was seen not to exist: whatever it holds once it does came afterwards."""
        self._absent_topics.add(topic_key(topic))

    def untraceable(self, topic: str) -> frozenset[int]:
        """Partitions of which nobody knows where they were: they begin where it is configured."""
        return self._recall.untraceable(topic)

    def came_meanwhile(self, topic: str) -> bool:
        """Whether the topic is newer than what the last process saw."""
        return self._recall.came_meanwhile(topic)

    async def plant(
        self, topic: str, topic_id: UUID | None, positions: Mapping[int, int]
    ) -> dict[int, int]:
        """Store the first positions of partitions, and assign those that are stored.

        A partition that is not assigned to this member yet waits for the next assignment.
        """
        self._recall.topic_ids[topic] = topic_id or self._recall.topic_ids.get(topic)
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
        stored = await self._states.plant(identity, self._recall.topic_ids, mine)
        self._absent_topics.discard(topic_key(topic))
        begun = {number: at for (_, number), at in mine.items() if (topic, number) in stored}
        self._gauge.assigned(topic, begun)
        self._gauge.planted(stored)
        self._recall.placed(stored)
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
                    if self._identity is not None and not self._states.in_flight:
                        captured = self._gauge.capture(before_ms=0)
                        await self._states.store(self._identity, captured, self._absent_topics)
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
        self._gauge.kept_as(Keeping(group=None, reason=reason))
        self._counts.set()

    async def _adopt(self, identity: Identity) -> bool:
        """Rule 2: read the slots, and go on from them or from memory; False to try again."""
        states = self._states
        seen = states.seen(identity.partitions)
        read = await self._slots.read(identity, identity.partitions | seen.keys())
        if isinstance(read, Forbidden):
            raise GroupRefusedError(f"the right {read.right} is missing; grant it")
        if isinstance(read, Retry):
            states.lost(read.reason)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        found = self._recall.decoded(read)
        if states.recognizes(found):
            states.settle_doubts(found)
            if self.stands_by:
                self._gauge.follow_anew()
        else:
            lost = (read.keys() | seen.keys()) - found.keys()
            states.begin_anew(await self._recall.go_on_from(found, lost, seen, identity))
            self.jumped()  # at once: a tail that began before read on from the old positions
        states.forget_doubts()
        self._identity = identity
        self.stands_by = False
        self._counts.set()
        self._sight.regained([STATE])
        return True

    async def _hold(self, identity: Identity) -> None:
        """Store what is counted until the assignment is another one."""
        clock = asyncio.get_running_loop().time
        due_seconds = urgent_seconds = clock()
        latest_seconds = due_seconds + MOST_SECONDS
        while self._membership.identity is identity:
            self._membership.check()
            if self._states.must_join_anew:
                raise MembershipError("a first position was not stored for certain")
            if not await self._until(due_seconds, urgent_seconds):
                continue
            stored, self._stored = self._stored, _nothing
            self._wake.clear()
            await self._plant_the_rest(identity)
            await self._must_be_kept(identity)
            all_of_it = clock() >= due_seconds
            before_ms = self._now_ms() - round(1_000 * MOST_SECONDS)
            captured = self._gauge.capture(before_ms=before_ms, urgent=not all_of_it)
            written = await self._states.store(identity, captured, self._absent_topics)
            stored()
            urgent_seconds = clock() + URGENT_SECONDS
            if all_of_it:
                due_seconds = clock() + LEAST_SECONDS
                latest_seconds = clock() + MOST_SECONDS
            due_seconds = min(latest_seconds, due_seconds + written / BYTES_PER_SECOND)

    async def _until(self, due_seconds: float, urgent_seconds: float) -> bool:
        """Whether it is time to store: everything, or what something has woken this for."""
        clock = asyncio.get_running_loop().time
        pause = min(LOOK_SECONDS, max(0.0, due_seconds - clock()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()
                await asyncio.sleep(urgent_seconds - clock())
        return clock() >= (min(due_seconds, urgent_seconds) if self._wake.is_set() else due_seconds)

    async def _must_be_kept(self, identity: Identity) -> None:
        """Read back once what was stored: some services answer well and keep no text.

        Raises:
            NotKeptError: this is one of them.
        """
        if self._read_back or not self._states.sent:
            return
        read = await self._slots.read(identity, self._states.sent)
        if isinstance(read, dict) and read:  # slots that are gone altogether prove nothing
            self._read_back = True
            if not any(slot.text for slot in read.values()):
                raise NotKeptError("the service does not keep the text beside a committed offset")

    async def _plant_the_rest(self, identity: Identity) -> None:
        """Partitions that went on into a new life have nothing stored of it yet."""
        unstored = self._gauge.unstored()
        mine = {place: at for place, at in unstored.items() if place in identity.partitions}
        topic_ids = self._recall.topic_ids
        self._gauge.planted(await self._states.plant(identity, topic_ids, mine))


def _nothing() -> None:
    """Nobody waits for what is stored."""
