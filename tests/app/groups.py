"""A consumer group whose coordinator, members and slots do as a test says."""

from __future__ import annotations

import asyncio

from streamgauge.core.state.codec import decode
from streamgauge.kafka.errors import MembershipError
from streamgauge.kafka.membership import Identity
from streamgauge.kafka.slots import Answer, Fate, Slot

GROUP = "streamgauge.shop"


class FakeGroup:
    """The coordinator: one member holds all partitions, and only its commits are stored.

    Attributes:
        slots: what stands in them, by topic and partition.
        commits: identity and states of each commit that was asked for, with its time.
        fates: what becomes of the next commits: a `Fate`, "landed" or "lost" (both in doubt), or
            "mute" (no answer ever). A commit beyond them is stored.
        late: commits in doubt that may land yet, as the coordinator sees them.
        reads: what the next reads answer or raise instead of the slots.
        refusals: what the next joins raise.
        keeps_text: whether the text beside an offset is kept.
        leaderless: whether nobody coordinates it, so that no member is given anything.
    """

    def __init__(self, *places):
        self.partitions = frozenset(places)
        self.slots = {}
        self.commits = []
        self.fates = []
        self.late = []
        self.reads = []
        self.refusals = []
        self.keeps_text = True
        self.leaderless = False
        self._generation = 0
        self._members = []
        self._holder = None
        self._joined = 0

    def state(self, topic, partition=0):
        """The state that stands in a slot."""
        slot = self.slots[topic, partition]
        return decode(slot.text, slot.offset)

    def enter(self, member):
        """A member under a new id."""
        self._joined += 1
        member.member_id = f"member-{self._joined}"
        self._members.append(member)
        self.rebalance()

    def depart(self, member):
        """A member leaves, or is heard no more."""
        if member in self._members:
            self._members.remove(member)
            self.rebalance()

    def rebalance(self, holder=None):
        """A new generation: who holds goes on, unless it is given to another."""
        self._generation += 1
        if holder is not None or self._holder not in self._members:
            self._holder = holder or next(iter(self._members), None)
        for member in () if self.leaderless else self._members:
            holds = member is self._holder
            places = self.partitions if holds else frozenset()
            member.identity = Identity(
                GROUP, self._generation, member.member_id, 1, holds, frozenset(places)
            )

    def accepts(self, identity):
        """Whether a commit under this identity is not fenced."""
        holder = self._holder
        return holder is not None and (identity.generation, identity.member_id) == (
            self._generation,
            holder.member_id,
        )

    def land(self, identity, slots):
        """A commit arrives; whether it is stored."""
        if not self.accepts(identity):
            return False
        for slot in slots:
            kept = slot.text if self.keeps_text else ""
            self.slots[slot.place] = Slot(slot.topic, slot.partition, slot.offset, kept)
        return True


class FakeMembership:
    """One member, as `Membership` is one."""

    group = GROUP

    def __init__(self, group):
        self._group = group
        self.identity = None
        self.member_id = ""
        self.joined = 0
        self.trouble = []
        """What the next checks raise."""
        self.is_in = False

    async def join(self):
        """Enter under a new member id."""
        await asyncio.sleep(0.01)
        if self._group.refusals:
            raise self._group.refusals.pop(0)
        self.joined += 1
        self.is_in = True
        self._group.enter(self)

    async def assigned(self):
        """Wait for an assignment."""
        while self.identity is None:
            self.check()
            await asyncio.sleep(0.1)
        return self.identity

    def check(self):
        """Raise what is in the way."""
        if not self.is_in:
            raise MembershipError("group was left")
        if self.trouble:
            raise self.trouble.pop(0)

    def look(self):
        """New partitions make a new assignment."""
        if (
            self.identity
            and self.identity.holds
            and self.identity.partitions != (self._group.partitions)
        ):
            self._group.rebalance()

    async def leave(self):
        """Be no member any more."""
        await asyncio.sleep(0.01)
        self.identity, self.is_in = None, False
        self._group.depart(self)


class FakeSlots:
    """Reads and commits, as `Slots` does."""

    def __init__(self, group):
        self._group = group

    async def read(self, _identity, places):
        """What stands there."""
        await asyncio.sleep(0.01)
        if self._group.reads:
            answer = self._group.reads.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return {place: self._group.slots[place] for place in places if place in self._group.slots}

    async def commit(self, identity, slots):
        """Store, or whatever is to become of it."""
        slots, group = list(slots), self._group
        states = {slot.place: decode(slot.text, slot.offset) for slot in slots}
        group.commits.append((asyncio.get_running_loop().time(), identity, states))
        await asyncio.sleep(0.01)
        fate = group.fates.pop(0) if group.fates else Fate.STORED
        if fate == "mute":
            await asyncio.Event().wait()
        if fate == "landed":
            group.land(identity, slots)
        if fate == "lost":
            group.late.append((identity, slots))
        if fate in {"landed", "lost"}:
            fate = Fate.IN_DOUBT
        elif fate is Fate.STORED and not group.land(identity, slots):
            fate = Fate.FENCED
        return {slot.place: Answer(fate, fate.value) for slot in slots}
