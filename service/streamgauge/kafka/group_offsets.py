"""What groups have committed, asked of their coordinators: of many groups in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from aiokafka.protocol.commit import OffsetFetchRequest

from streamgauge.kafka.committed import Committed, read_offset_fetch, read_offsets_of_groups
from streamgauge.kafka.coordinator import GROUPS_AT_ONCE, Coordinators
from streamgauge.kafka.errors import BrokersUnavailableError, UnknownRequestError
from streamgauge.kafka.gathering import Gathering
from streamgauge.kafka.protocol.offset_fetch import OffsetsOfGroups
from streamgauge.model import CommittedOffsets

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamgauge.kafka.answers import Forbidden, Retry
    from streamgauge.kafka.clock import Clock
    from streamgauge.kafka.wire import Wire

    _Answer: TypeAlias = CommittedOffsets | Retry | Forbidden

ROWS_AT_ONCE: Final = 5_000
"""Groups times partitions of one request at most, unless one group alone has more; the event loop
stands still while its answer is read."""


class _Place(NamedTuple):
    """What groups are asked together for."""

    coordinator: int
    topic: str
    partitions: tuple[int, ...]

    @property
    def most_groups(self) -> int:
        """How many of them at once."""
        return max(1, min(GROUPS_AT_ONCE, ROWS_AT_ONCE // max(1, len(self.partitions))))


class GroupOffsets:
    """Asks for committed offsets; who asks in the same turn of the event loop shares requests."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._coordinators = Coordinators(wire, "DESCRIBE")
        self._asked = Gathering(self._of_groups, lambda place: place.most_groups)

    async def committed(self, group: str, topic: str, partitions: Collection[int]) -> _Answer:
        """Ask a group's coordinator what the group has committed on some partitions of a topic.

        Raises:
            BrokersUnavailableError: If it does not answer in time.
        """
        coordinator = await self._coordinators.of(group)
        if not isinstance(coordinator, int):
            return coordinator
        place = _Place(coordinator, topic, tuple(sorted(partitions)))
        try:
            answer = await self._asked_of(place, group)
        except BrokersUnavailableError:
            self._coordinators.forget(group)
            raise
        if not isinstance(answer, CommittedOffsets):
            self._coordinators.forget(group)
        return answer

    async def close(self) -> None:
        """Ask no longer."""
        await self._coordinators.close()
        await self._asked.close()

    async def _asked_of(self, place: _Place, group: str) -> _Answer:
        try:
            return await self._asked.ask(place, group)
        except UnknownRequestError:  # the broker is older than 3.0
            return await self._of_one_group(place, group)

    async def _of_groups(self, place: _Place, groups: Collection[str]) -> dict[str, _Answer]:
        request = OffsetsOfGroups(groups, place.topic, place.partitions)
        response = await self._wire.send(place.coordinator, request)
        seen_at_ms = self._clock()
        answers = read_offsets_of_groups(response, groups, place.topic)
        return {
            group: _stamped(answer, group, place.topic, seen_at_ms)
            for group, answer in answers.items()
        }

    async def _of_one_group(self, place: _Place, group: str) -> _Answer:
        request = OffsetFetchRequest(group, [(place.topic, list(place.partitions))])
        response = await self._wire.send(place.coordinator, request)
        answer = read_offset_fetch(response, group, place.topic)
        return _stamped(answer, group, place.topic, self._clock())


def _stamped(
    answer: Committed | Retry | Forbidden, group: str, topic: str, seen_at_ms: int
) -> _Answer:
    if isinstance(answer, Committed):
        return CommittedOffsets(group, topic, answer.offsets, seen_at_ms)
    return answer
