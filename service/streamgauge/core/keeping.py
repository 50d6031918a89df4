"""Rules for what stands in the slots: whose it is, which life goes on, and what is written next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from streamgauge.core.state.partition_state import PartitionState
from streamgauge.core.state.totals import OfTotals, of_totals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from streamgauge.core.topic import Captured

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Goes:
    """The life that goes on."""

    life: str
    life_start_ms: int
    states: Mapping[Place, PartitionState]
    """Of this life."""
    positions: Mapping[Place, int]
    """Of partitions whose state is of an earlier life: they go on from there, and from zero."""

    @property
    def everything(self) -> dict[Place, int]:
        """The positions of all partitions."""
        return {**self.positions, **{place: each.position for place, each in self.states.items()}}


def goes_on(states: Mapping[Place, PartitionState]) -> Goes | None:
    """The newest life among the states, None if there is none that was not forgotten.

    A life that began while the process died between two commits has not reached all slots: the
    newest one counts, for its beginning ended the others. A mark of forgetting ends the life that
    it names in all slots, for not all marks of a reset may have been stored.
    """
    ended = {state.life for state in states.values() if state.forgotten}
    remembered = {place: state for place, state in states.items() if state.life not in ended}
    if not remembered:
        return None
    newest = max((state.life_start_ms, state.life) for state in remembered.values())
    return Goes(
        life=newest[1],
        life_start_ms=newest[0],
        states={p: each for p, each in remembered.items() if each.life == newest[1]},
        positions={p: each.position for p, each in remembered.items() if each.life != newest[1]},
    )


def is_own(
    states: Mapping[Place, PartitionState],
    sent: Mapping[Place, PartitionState],
    doubtful: Mapping[Place, PartitionState],
) -> bool:
    """Whether all that stands in the slots is what this process wrote last.

    Args:
        states: what stands there.
        sent: what is known to have been stored last, by this process.
        doubtful: what this process sent after that without learning its fate.
    """
    if states.keys() != sent.keys():
        return False
    return all(
        is_same(state, sent[place]) or (place in doubtful and is_same(state, doubtful[place]))
        for place, state in states.items()
    )


def is_same(state: PartitionState, other: PartitionState) -> bool:
    """Whether both are one writing."""
    return (state.writer, state.version) == (other.writer, other.version)


def planted(
    topic_id: UUID | None, life: tuple[str, int], position: int, written: tuple[str, int]
) -> PartitionState:
    """The first state of a partition: where counting begins.

    Args:
        topic_id: Kafka's id of the topic.
        life: its identity, and when it began in milliseconds since the epoch.
        position: first offset that the totals can hold.
        written: by whom, and that writer's running number.
    """
    return PartitionState(
        topic_id=topic_id,
        life=life[0],
        life_start_ms=life[1],
        start_position=position,
        position=position,
        writer=written[0],
        version=written[1],
    )


def grown(captured: Captured, last_record_ms: int | None, written: tuple[str, int]) -> OfTotals:
    """The state of a partition as it was captured, grown from the one that is stored."""
    of = of_totals(
        captured.totals,
        captured.stored,
        captured.next_offset,
        captured.highest_commits,
        captured.aged_to,
        takers=captured.takers,
        causes=captured.causes,
    )
    state = replace(
        of.state,
        as_of_ms=captured.read_to_end_ms,
        last_record_ms=last_record_ms,
        writer=written[0],
        version=written[1],
    )
    return replace(of, state=state)
