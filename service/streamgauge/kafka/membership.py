"""Membership in the gauge's own consumer group: under which identity commits are fenced.

The member reads nothing: all its partitions are paused, it only heartbeats. Its generation and
member id are frozen the moment an assignment comes into force; a commit that carries them is
refused once somebody else has been given the partitions, however late it arrives.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from streamgauge.kafka.creation import never_create_topics
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    GroupRefusedError,
    MembershipError,
    text_of,
)
from streamgauge.kafka.patience import MetadataLimiter, stop_within

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aiokafka import TopicPartition

    from streamgauge.kafka.connection import Connection

SESSION_MS: Final = 6_000
"""A member that is not heard for so long is no member any more."""
HEARTBEAT_MS: Final = 1_500
REBALANCE_MS: Final = 15_000
"""How long a member may take to hand over its partitions."""
_NEVER_MS: Final = 2**31 - 1
"""aiokafka leaves the group when nothing was polled for so long; this member never polls."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What fences a commit, as it was when the assignment came into force."""

    group: str
    generation: int
    member_id: str
    coordinator: int
    """Broker that answered SyncGroup: what it says of the group is never older than that."""
    holds: bool
    """Whether this member is the one at work; the others stand by without partitions."""
    partitions: frozenset[tuple[str, int]]
    """Topic and partition: what this member may commit."""


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped aiokafka
    """One member of a group, from `join` to `leave`."""

    def __init__(self, connection: Connection, group: str, topics: Collection[str]) -> None:
        self.group = group
        self._topics = tuple(topics)
        self._connection = connection
        self._consumer: AIOKafkaConsumer | None = None
        self._limiter: MetadataLimiter | None = None
        self._changed = asyncio.Event()
        self.holds = False
        """Whether the last assignment made this member the one at work."""
        self.identity: Identity | None = None
        """None while no assignment is in force."""

    async def join(self) -> None:
        """Enter the group under a new member id; `assigned` tells when that has worked.

        Raises:
            BrokersUnavailableError: If no broker lets the member in.
            ConnectionSettingError: If a setting cannot be used.
        """
        never_create_topics()
        consumer = AIOKafkaConsumer(
            **self._connection.client_arguments(),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            max_poll_interval_ms=_NEVER_MS,
            partition_assignment_strategy=(holder_assignor(self),),
        )
        self._consumer = consumer
        self._limiter = MetadataLimiter(consumer._client)  # noqa: SLF001 - no public seam
        try:
            await consumer.start()
        except KafkaError as error:
            await self.leave()
            raise BrokersUnavailableError(
                f"group {self.group} cannot be joined: {text_of(error)}"
            ) from error
        except BaseException:
            await self.leave()
            raise
        # afterwards, for the start would wait for each topic, and one may not be there yet
        consumer.subscribe(list(self._topics), listener=self)

    async def leave(self) -> None:
        """Leave the group at once, so that nobody waits for this member; may be called again."""
        consumer, self._consumer = self._consumer, None
        limiter, self._limiter = self._limiter, None
        self._set(None)
        self.holds = False
        if limiter is not None:
            await limiter.close()
        if consumer is not None:
            await stop_within(consumer)

    async def assigned(self) -> Identity:
        """Wait until an assignment is in force, and return it.

        Raises:
            MembershipError: If the group refuses the member.
        """
        while self.identity is None:
            self.check()
            self._changed.clear()
            try:
                async with asyncio.timeout(HEARTBEAT_MS / 1_000):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return self.identity

    def check(self) -> None:
        """Let aiokafka go on after an error that it wants seen; call it every few seconds.

        Raises:
            MembershipError: If the member cannot go on; join anew.
        """
        if self._consumer is None:
            raise MembershipError(f"group {self.group} was left")
        coordinator = self._consumer._coordinator  # noqa: SLF001 - there is no public seam
        try:
            coordinator.check_errors()
        except GroupAuthorizationFailedError as error:
            raise GroupRefusedError(
                f"the right READ on group {self.group} is missing; grant it"
            ) from error
        except KafkaError as error:
            raise MembershipError(f"group {self.group}: {text_of(error)}") from error

    def look(self) -> None:
        """Have the topics looked up now: new partitions make a new assignment."""
        if self._consumer is not None:
            self._consumer._client.force_metadata_update()  # noqa: SLF001 - no public seam

    async def on_partitions_revoked(self, _: Iterable[TopicPartition]) -> None:
        """The old identity ends; whoever still commits under it is fenced from now on."""
        self._set(None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Freeze the new identity."""
        consumer = self._consumer
        if consumer is None:
            return
        consumer.pause(*assigned)
        coordinator = consumer._coordinator  # noqa: SLF001 - there is no public seam
        if coordinator.coordinator_id is None:  # lost already: the next heartbeat finds another
            return
        self._set(
            Identity(
                group=self.group,
                generation=coordinator.generation,
                member_id=coordinator.member_id,
                coordinator=coordinator.coordinator_id,
                holds=self.holds,
                partitions=frozenset((each.topic, each.partition) for each in assigned),
            )
        )

    def _set(self, identity: Identity | None) -> None:
        self.identity = identity
        self._changed.set()


_HOLDS: Final = b"holds"


def holder_assignor(member: Membership) -> type[AbstractPartitionAssignor]:
    """The assignor of one member: all partitions go to one, and it keeps them while it lives.

    Each member tells whether it is at work at present; of several that say so, or of none, the one
    with the least member id is chosen.
    """

    class HolderAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # untyped aiokafka
        """Its name keeps members of other programs out of the group."""

        name = "streamgauge-holder-1"

        @classmethod
        def metadata(cls, topics: Collection[str]) -> ConsumerProtocolMemberMetadata:
            return ConsumerProtocolMemberMetadata(0, sorted(topics), _HOLDS * member.holds)

        @classmethod
        def assign(
            cls,
            cluster: Any,  # noqa: ANN401 - untyped aiokafka
            members: Mapping[str, ConsumerProtocolMemberMetadata],
        ) -> dict[str, ConsumerProtocolMemberAssignment]:
            holder = min(members, key=lambda each: (members[each].user_data != _HOLDS, each))
            everything = [
                (topic, sorted(cluster.partitions_for_topic(topic) or ()))
                for topic in members[holder].subscription
            ]
            nothing = ConsumerProtocolMemberAssignment(0, [], b"")
            return dict.fromkeys(members, nothing) | {
                holder: ConsumerProtocolMemberAssignment(0, everything, _HOLDS)
            }

        @classmethod
        def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
            member.holds = assignment.user_data == _HOLDS

    return HolderAssignor
