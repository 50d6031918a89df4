"""Where the reading of a topic's partitions begins, and whether the topic is still the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.events import Event, write
from streamgauge.kafka.start import start_positions

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from streamgauge.app.context import StreamContext
    from streamgauge.kafka.answers import Present
    from streamgauge.kafka.start import StartFrom


class Positions:
    """Gives every partition of a topic its first position in a life.

    Only partitions that are there at the first sight begin where the configuration says. What
    appears later has appeared under the gauge's eyes, and is read from its beginning.

    Attributes:
        missing: partitions that have no position, because no leader says where their log ends.
    """

    def __init__(self, context: StreamContext, topic: str, start_from: StartFrom) -> None:
        self._context = context
        self._gauge = context.gauge
        self._log = context.log.bind(topic=topic)
        self._topic = topic
        self._start_from = start_from
        self._topic_id: uuid.UUID | None = None
        self._at_first_sight: frozenset[int] | None = None
        self.missing: tuple[int, ...] = ()

    def absent(self) -> None:
        """The topic was seen not to exist."""
        self._at_first_sight = frozenset()
        if self._context.keeper is not None:
            self._context.keeper.absent(self._topic)

    def is_another(self, state: Present) -> bool:
        """Whether the topic was deleted and created again; brokers before 3.1 tell no id."""
        return None not in (self._topic_id, state.topic_id) and state.topic_id != self._topic_id

    async def assign(self, state: Present) -> dict[int, int]:
        """Give positions to the partitions that have none, and return those.

        Raises:
            KafkaAccessError: if a leader does not answer; `missing` says which are left.
        """
        await self._recall()
        if self.is_another(state):
            write(self._log, Event.TOPIC_RECREATED, topic_id=str(state.topic_id))
            self._context.begin_life(self._topic, f"{self._topic} was created anew")
            self._at_first_sight = frozenset()
        self._topic_id = state.topic_id or self._topic_id
        if self._at_first_sight is None:
            self._at_first_sight = frozenset(state.partitions)
        known = self._gauge.positions(self._topic)
        new = [partition for partition in state.partitions if partition not in known]
        self.missing = tuple(new)
        led = frozenset(new) - state.leaderless
        configured = led & (self._at_first_sight | self._untraceable)
        positions = await self._begin(configured, self._start_from)
        positions |= await self._begin(led - configured, "earliest")
        positions = await self._assigned(positions)
        self.missing = tuple(partition for partition in new if partition not in positions)
        if positions:
            write(self._log, Event.PARTITIONS_ASSIGNED, positions=positions)
        return positions

    @property
    def _untraceable(self) -> frozenset[int]:
        """Partitions that were there before, and of which nobody knows where they were."""
        keeper = self._context.keeper
        return frozenset() if keeper is None else keeper.untraceable(self._topic)

    async def _recall(self) -> None:
        """Wait until this process may count, and go on from what is stored.

        A partition of which nothing is stored, of a topic that has a state, came in between.
        """
        keeper = self._context.keeper
        if keeper is None:
            return
        await keeper.may_count()
        seen = self._gauge.positions(self._topic) or keeper.came_meanwhile(self._topic)
        if self._at_first_sight is None and seen:
            self._topic_id = keeper.topic_id(self._topic)
            self._at_first_sight = frozenset()

    async def _assigned(self, positions: dict[int, int]) -> dict[int, int]:
        """Give the gauge first positions, once they are stored."""
        keeper = self._context.keeper
        if keeper is not None and positions:
            return await keeper.plant(self._topic, self._topic_id, positions)
        self._gauge.assigned(self._topic, positions)
        return positions

    async def _begin(self, partitions: Collection[int], start_from: StartFrom) -> dict[int, int]:
        if not partitions:
            return {}
        context = self._context
        return await start_positions(
            context.cluster, self._topic, sorted(partitions), start_from, context.isolation_level
        )
