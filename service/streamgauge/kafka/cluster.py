"""What the gauge asks the brokers beside tailing: topics, log offsets, commits and groups."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from aiokafka.protocol.offset import OffsetRequest

from streamgauge.kafka.answers import (
    NO_LEADER,
    Forbidden,
    ListedGroup,
    Present,
    Retry,
    TopicState,
    read_groups,
    read_list_offsets,
    read_topic,
)
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.first_records import Deleted, FirstRecordAnswer, Searched, search
from streamgauge.kafka.group_offsets import GroupOffsets
from streamgauge.kafka.groups import GroupListing, Groups
from streamgauge.kafka.protocol.group_list import GroupList
from streamgauge.kafka.protocol.topic_metadata import TopicMetadata
from streamgauge.kafka.slots import Slots
from streamgauge.kafka.topic_settings import TopicSettings, read_topic_settings
from streamgauge.kafka.unreachable import explained
from streamgauge.kafka.wire import Wire
from streamgauge.model import LogOffsets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from streamgauge.core.columns import RecordReader
    from streamgauge.kafka.clock import Clock
    from streamgauge.kafka.connection import Connection
    from streamgauge.model import CommittedOffsets

_Answer = TypeVar("_Answer")
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
        self._group_offsets = GroupOffsets(self._wire, clock)
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
        await self._group_offsets.close()
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

    async def first_records(
        self,
        topic: str,
        offsets: Mapping[int, int],
        isolation_level: IsolationLevel,
        reader: RecordReader,
    ) -> dict[int, FirstRecordAnswer]:
        """Find the first record at or after each offset that a consumer could read now.

        A partition is absent if that cannot be told: its leader did not answer, and is looked up
        anew by the next call; the log ends before the offset; what lies there cannot be read; or
        it would take more than the search may (`first_records`).

        Args:
            topic: the topic.
            offsets: from where on, by partition.
            isolation_level: what that consumer sees of transactions.
            reader: reads the event time.
        """
        isolation = _ISOLATION[isolation_level]

        def search_on(leader: int, partitions: Collection[int]) -> Awaitable[Searched]:
            send = partial(self._wire.send, leader)
            return search(send, topic, {p: offsets[p] for p in partitions}, isolation, reader)

        found: dict[int, FirstRecordAnswer] = {}
        out_of_range: set[int] = set()
        for searched in await self._of_leaders(topic, offsets, search_on):
            found |= searched.first
            out_of_range |= searched.out_of_range
            if searched.refused:
                self._topics.pop(topic, None)
        if out_of_range:
            start = await self._list_offsets(topic, out_of_range, _START, isolation_level)
            found |= {p: Deleted(at) for p, at in start.items() if at > offsets[p]}
        return found

    async def topic_settings(self, topic: str) -> TopicSettings:
        """Tell how long the records of a topic stay, as far as the gauge may know it."""
        return await read_topic_settings(self._wire, topic)

    async def committed(
        self, group: str, topic: str, partitions: Collection[int]
    ) -> CommittedOffsets | Retry | Forbidden:
        """Ask a group's coordinator what the group has committed on some partitions of a topic.

        Questions that begin in the same turn of the event loop share requests.
        """
        return await self._group_offsets.committed(group, topic, partitions)

    async def groups(self) -> Groups | None:
        """List the groups of all brokers; None while no answer is to be believed."""
        nodes = await self._wire.node_ids()
        listings = await asyncio.gather(*map(self._groups_of, nodes))
        answered = [listing for listing in listings if listing is not None]
        return self._listing.take_in(
            {group: told for listing in answered for group, told in listing.items()},
            complete=len(answered) == len(nodes),
            now_ms=self._clock(),
        )

    async def _groups_of(self, node_id: int) -> dict[str, ListedGroup] | None:
        try:
            response = await self._wire.send(node_id, GroupList())
        except BrokersUnavailableError:
            return None
        return None if response.error_code else read_groups(response)

    async def _list_offsets(
        self, topic: str, partitions: Collection[int], time_ms: int, isolation_level: IsolationLevel
    ) -> dict[int, int]:
        """Ask each leader about its partitions; those that did not answer are absent."""

        def ask(leader: int, partitions: Collection[int]) -> Awaitable[Any]:
            questions = [(partition, time_ms) for partition in partitions]
            request = OffsetRequest(_OBSERVER, _ISOLATION[isolation_level], [(topic, questions)])
            return self._wire.send(leader, request)

        offsets: dict[int, int] = {}
        for answer in await self._of_leaders(topic, partitions, ask):
            told, errors = read_list_offsets(answer)
            offsets |= told
            if errors:
                self._topics.pop(topic, None)
        return offsets

    async def _of_leaders(
        self,
        topic: str,
        partitions: Collection[int],
        ask: Callable[[int, Collection[int]], Awaitable[_Answer]],
    ) -> list[_Answer]:
        """Ask the leaders at once, each about its partitions, and give what has been answered.

        Raises:
            BrokersUnavailableError: If none of them answers.
        """
        by_leader: dict[int, list[int]] = {}
        for partition, leader in (await self._leaders(topic, partitions)).items():
            by_leader.setdefault(leader, []).append(partition)
        results = await asyncio.gather(
            *(ask(leader, led) for leader, led in by_leader.items()), return_exceptions=True
        )
        answers: list[_Answer] = []
        failures = []
        for result in results:
            if isinstance(result, BrokersUnavailableError):
                failures.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                answers.append(result)
        if failures:
            self._topics.pop(topic, None)
            if not answers:
                raise failures[0]
        return answers

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
