"""Where counting goes on when a process takes the slots over: rules for what it finds in them.

1. All is gone or forgotten while this process was at work: a new life, where it was.
2. A slot is gone or cannot be read, or the slots are older than what was seen stored or told: a new
   life, where the slots and the last reports say. Without it the totals of the life would shrink.
3. Nothing is stored and nothing was told: the first start, which begins where the configuration
   says.
4. Everything was forgotten on purpose: a new life that begins there too.
5. A topic has no slot beside others that have one, and was told: Kafka drops the slots of a topic
   with the topic, so it was recreated. A new life, in which that topic is read from its beginning.
6. Else the life goes on.

A new life begins after all that stand in the slots, whatever clocks say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from streamgauge.core.keeping import goes_on
from streamgauge.core.state.keys import topic_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from streamgauge.core.keeping import Goes, Place
    from streamgauge.core.state.partition_state import PartitionState


class ToldPosition(NamedTuple):
    """How far a partition had come in the last report of its topic."""

    life: str
    next_offset: int
    topic_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Begins:
    """A new life."""

    positions: Mapping[Place, int] | None
    """Where it begins: at these positions and, where there is none, where the configuration says.

    None: where this process was.
    """
    after_ms: int
    """It begins after this."""
    why: str
    """One clause, for people."""
    recreated: frozenset[str] = frozenset()
    """Topics that are read from their beginning."""


@dataclass(frozen=True)
class TakingOver:
    """What a process finds when it takes the slots over, and what it knows itself."""

    states: Mapping[Place, PartitionState]
    """Those that can be read."""
    lost: AbstractSet[Place]
    """Places whose slot is gone or cannot be read."""
    before: Mapping[Place, PartitionState]
    """What this process had seen stored last; empty at its first time."""
    life: str
    """Of this process."""
    topics: AbstractSet[str]
    """That it is to count."""

    def decide(self, told: Mapping[Place, ToldPosition]) -> Goes | Begins | None:
        """What to do, by the rules of this module; None at a first start.

        Args:
            told: positions of the last reports, as far as somebody knows them.
        """
        found = self._found
        all_forgotten = found is None and not self.lost
        if self.before and (not self.states or all_forgotten):
            gone = "forgotten" if self.states else "gone"
            return Begins(None, self._after_ms, f"the stored state was {gone} at work")
        if self.lost or not self.states or (found is not None and self._is_older(found, told)):
            positions = {place: each.position for place, each in self.before.items()}
            for place, each in told.items():
                positions[place] = max(each.next_offset, positions.get(place, 0))
            if found is not None:
                positions |= found.everything
            started = not positions and not self.states
            why = self._loss or "more was told than was stored"
            return None if started else Begins(positions, self._after_ms, why)
        if found is None:
            return Begins({}, self._after_ms, "the stored state was forgotten on purpose")
        recreated = self._without_slot(found) & {topic for topic, _ in told}
        if recreated:
            why = f"{' and '.join(sorted(recreated))} was created anew"
            return Begins(found.everything, self._after_ms, why, frozenset(recreated))
        return found

    @property
    def must_ask(self) -> bool:
        """Whether it cannot be decided without knowing what was told."""
        if self.lost or not self.states:
            return not (self.before and not self.states)
        return self._found is not None and bool(self._without_slot(self._found))

    @cached_property
    def absent_topics(self) -> frozenset[str]:
        """Keys of the topics that the last process saw not to exist."""
        states = () if self._found is None else self._found.states.values()
        return frozenset().union(*(each.absent_topics for each in states))

    @cached_property
    def _found(self) -> Goes | None:
        """The life that stands there."""
        return goes_on(self.states)

    @property
    def _loss(self) -> str | None:
        """What of the stored state is not there, None if all of it is."""
        if not self.states and not self.lost:
            return "the stored state was gone"
        if not self.lost:
            return None
        (topic, number), others = min(self.lost), len(self.lost) - 1
        more = f" and of {others} more" if others else ""
        return f"the stored state of {topic}-{number}{more} was gone or unreadable"

    def _without_slot(self, found: Goes) -> set[str]:
        """Topics that existed and have no slot."""
        without = self.topics - {topic for topic, _ in found.everything}
        return {topic for topic in without if topic_key(topic) not in self.absent_topics}

    def _is_older(self, found: Goes, told: Mapping[Place, ToldPosition]) -> bool:
        """Whether less is stored in this life than was seen stored or told."""
        seen = {place: each.position for place, each in self.before.items()}
        if found.life != self.life:
            seen = {}
        known = [(p, each.next_offset) for p, each in told.items() if each.life == found.life]
        return any(
            place in found.states and found.states[place].position < at
            for place, at in (*seen.items(), *known)
        )

    @property
    def _after_ms(self) -> int:
        return max((state.life_start_ms for state in self.states.values()), default=0)
