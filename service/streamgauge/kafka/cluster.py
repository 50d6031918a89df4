"""What the gauge asks the brokers beside tailing: topics, log offsets, commits and groups."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.offset import OffsetRequest

from streamgauge.kafka.answers import (
    NO_LEADER,
    Committed,
    Forbidden,
    Present,
    Retry,
    TopicState,
    read_list_offsets,
    read_offset_fetch,
    read_topic,
)
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.coordinator import find_coordinator
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.groups import GroupListing, Groups
from streamgauge.kafka.protocol import GroupList, TopicMetadata
from streamgauge.kafka.slots import Slots
from streamgauge.kafka.unreachable import explained
from streamgauge.kafka.wire import Wire
from streamgauge.model import CommittedOffsets, LogOffsets

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamgauge.kafka.clock import Clock
    from streamgauge.kafka.connection import Connection

IsolationLevel: TypeAlias = Literal["read_committed", "read_uncommitted"]

_ISOLATION: Final = {"read_uncommitted": 0, "read_committed": 1}
_END: Final = -1
_START: Final = -2
_NO_OFFSET: Final = -1
_OBSERVER: Final = -1
"""Replica id of whoever is no replica."""


class Cluster:
    """Asks single questions over connections of its own.

    Every method raises `BrokersUnavailableError` if no broker answers in time and
    `UnexpectedAnswerError` if one answers what no rule covers; the next call tries again.
    """

    def __init__(self, connection: Connection, *, clock: Clock = wall_clock_ms) -> None:
        self.connection = connection
        self._clock = clock
        self._wire = Wire(connection)
        self._topics: dict[str, Present] = {}
        self._coordinators: dict[str, int] = {}
        self._listing = GroupListing()

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokersUnavailableError: If that fails; says why for each broker.
            ConnectionSettingError: If a setting cannot be used.
        """
        try:
            await self._wire.open()
        except BrokersUnavailableError as error:
            raise await explained(self.connection, error) from error

    def slots(self) -> Slots:
        """The slots of the gauge's own groups, read and committed over the same connections."""
        return Slots(self._wire)

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def topic(self, name: str) -> TopicState:
        """Tell whether a topic is there, without creating it."""
        self._wire.watch(name)
        state = read_topic(await self._wire.send_to_any(TopicMetadata(name)), name)
        if isinstance(state, Present):
            self._topics[name] = state
        else:
            self._topics.pop(name, None)
        return state

    async def log_offsets(
        self, topic: str, partitions: Collection[int], isolation_level: IsolationLevel
    ) -> LogOffsets:
        """Ask the leaders for start and end offsets.

        Fetch committed offsets before, never after: an end offset that is younger can only
        overstate the lag. A partition that did not answer is absent; its leader is looked up anew
        by the next call.
        """
        start = await self._list_offsets(topic, partitions, _START, isolation_level)
        end = await self._list_offsets(topic, partitions, _END, isolation_level)
        return LogOffsets(topic=topic, start=start, end=end, seen_at_ms=self._clock())

    async def offsets_at(
        self,
        topic: str,
        partitions: Collection[int],
        time_ms: int,
        isolation_level: IsolationLevel,
    ) -> dict[int, int]:
        """Offset of the first record whose timestamp is at least `time_ms`, else the end offset.

        A partition that did not answer is absent.
        """
        # the end first: a record appended between the two questions is then not jumped over
        end = await self._list_offsets(topic, partitions, _END, isolation_level)
        found = await self._list_offsets(topic, list(end), time_ms, isolation_level)
        return {p: end[p] if at == _NO_OFFSET else at for p, at in found.items()}

    async def committed(
        self, group: str, topic: str, partitions: Collection[int]
    ) -> CommittedOffsets | Retry | Forbidden:
        """Ask a group's coordinator what the group has committed on some partitions of a topic."""
        try:
            node_id = await self._coordinator(group)
            if not isinstance(node_id, int):
                return node_id
            response = await self._wire.send(
                node_id, OffsetFetchRequest(group, [(topic, sorted(partitions))])
            )
        except BrokersUnavailableError:
            self._coordinators.pop(group, None)
            raise
        answer = read_offset_fetch(response, group, topic)
        if isinstance(answer, Committed):
            return CommittedOffsets(group, topic, answer.offsets, seen_at_ms=self._clock())
        self._coordinators.pop(group, None)
        return answer

    async def groups(self) -> Groups | None:
        """List the groups of all brokers; None while no answer is to be believed."""
        nodes = await self._wire.node_ids()
        listings = await asyncio.gather(*map(self._groups_of, nodes))
        answered = [listing for listing in listings if listing is not None]
        return self._listing.take_in(
            {group: kind for listing in answered for group, kind in listing.items()},
            complete=len(answered) == len(nodes),
            now_ms=self._clock(),
        )

    async def _groups_of(self, node_id: int) -> dict[str, str] | None:
        try:
            response = await self._wire.send(node_id, GroupList())
        except BrokersUnavailableError:
            return None
        if response.error_code:
            return None
        return {group: kind for group, kind, *_ in response.groups}

    async def _coordinator(self, group: str) -> int | Retry | Forbidden:
        if group in self._coordinators:
            return self._coordinators[group]
        found = await find_coordinator(self._wire, group, "DESCRIBE")
        if isinstance(found, int):
            self._coordinators[group] = found
        return found

    async def _list_offsets(
        self, topic: str, partitions: Collection[int], time_ms: int, isolation_level: IsolationLevel
    ) -> dict[int, int]:
        """Ask each leader about its partitions; those that did not answer are absent."""
        by_leader: dict[int, list[tuple[int, int]]] = {}
        for partition, leader in (await self._leaders(topic, partitions)).items():
            by_leader.setdefault(leader, []).append((partition, time_ms))
        answers = await asyncio.gather(
            *(
                self._wire.send(
                    leader,
                    OffsetRequest(_OBSERVER, _ISOLATION[isolation_level], [(topic, questions)]),
                )
                for leader, questions in by_leader.items()
            ),
            return_exceptions=True,
        )
        offsets: dict[int, int] = {}
        failures = []
        for answer in answers:
            if isinstance(answer, BrokersUnavailableError):
                failures.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                told, errors = read_list_offsets(answer)
                offsets |= told
                if errors:
                    self._topics.pop(topic, None)
        if failures:
            self._topics.pop(topic, None)
            if len(failures) == len(answers):
                raise failures[0]
        return offsets

    async def _leaders(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Leaders of those partitions that have one, looked up where one is not known."""
        leaders = self._known_leaders(topic, partitions)
        if len(leaders) < len(partitions):
            await self.topic(topic)
            leaders = self._known_leaders(topic, partitions)
        return leaders

    def _known_leaders(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        known = self._topics[topic].leaders if topic in self._topics else {}
        return {p: known[p] for p in partitions if known.get(p, NO_LEADER) != NO_LEADER}
