"""What brokers answer, told as values: the rules that turn error codes into what the gauge knows.

Error codes are those of https://kafka.apache.org/protocol.html#protocol_error_codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from aiokafka.errors import for_code

from streamgauge.kafka.errors import UnexpectedAnswerError
from streamgauge.kafka.protocol.topic_metadata import MetadataResponse_v12

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

OFFSET_OUT_OF_RANGE: Final = 1
UNKNOWN_TOPIC_OR_PARTITION: Final = 3
COORDINATOR_MOVES: Final = frozenset({14, 15, 16})
"""Loading, not available, not coordinator: the answer says nothing about the group."""
TOPIC_AUTHORIZATION_FAILED: Final = 29
GROUP_AUTHORIZATION_FAILED: Final = 30
NO_LEADER: Final = -1
_PREFERRED_REPLICA_SINCE: Final = 11
"""Version of Fetch with one more field between aborted transactions and records (KIP-392)."""


@dataclass(frozen=True, slots=True)
class Present:
    """The topic exists."""

    topic_id: UUID | None
    """Changes when a topic is deleted and created again; None: the broker is older than 3.1."""
    leaders: Mapping[int, int]
    """Broker id by partition, NO_LEADER where there is none at present."""

    @property
    def partitions(self) -> tuple[int, ...]:
        """All partitions, in order."""
        return tuple(sorted(self.leaders))

    @property
    def leaderless(self) -> frozenset[int]:
        """Partitions that nobody can read at present."""
        return frozenset(p for p, leader in self.leaders.items() if leader == NO_LEADER)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such topic."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The right to see it is missing; whether it exists is not known."""

    right: str
    """As an administrator would grant it."""


TopicState: TypeAlias = Present | Absent | Forbidden


@dataclass(frozen=True, slots=True)
class Retry:
    """The answer says nothing: keep the previous value and ask again."""

    reason: str


class ListedGroup(NamedTuple):
    """What a coordinator says of a group without being asked about it alone."""

    protocol_type: str
    state: str | None
    """For example `Stable`; None: the broker is older than 2.6."""


class FetchedPartition(NamedTuple):
    """What a leader has given of one partition."""

    partition: int
    error_code: int
    high_watermark: int
    last_stable_offset: int
    """Of use for `read_committed` only."""
    aborted_transactions: Sequence[tuple[int, int]]
    """Producer id and first offset of each."""
    records: bytes
    """Whole batches, the last one perhaps cut off."""


def describe_error(code: int) -> str:
    """Name a protocol error, for example `3 UNKNOWN_TOPIC_OR_PARTITION`."""
    kind = for_code(code)
    return f"{code} {getattr(kind, 'message', kind.__name__)}"


def read_topic(response: Any, topic: str) -> TopicState:  # noqa: ANN401 - untyped aiokafka
    """Read a Metadata response of version 4, 5 or 12 that was asked for one topic.

    Raises:
        UnexpectedAnswerError: If the topic is missing in it or has an error without a rule.
    """
    for row in response.topics:
        if response.API_VERSION == MetadataResponse_v12.API_VERSION:
            code, name, topic_id, _, partitions, *_ = row
        else:
            code, name, _, partitions = row
            topic_id = None
        if name != topic:
            continue
        if code == 0:
            leaders = {partition: leader for _, partition, leader, *_ in partitions}
            return Present(topic_id, leaders)
        if code == UNKNOWN_TOPIC_OR_PARTITION:
            return Absent()
        if code == TOPIC_AUTHORIZATION_FAILED:
            return Forbidden(f"DESCRIBE on topic {topic}")
        raise UnexpectedAnswerError(f"metadata of topic {topic!r}: {describe_error(code)}")
    raise UnexpectedAnswerError(f"metadata of topic {topic!r}: the answer does not name it")


def read_list_offsets(response: Any) -> tuple[dict[int, int], dict[int, int]]:  # noqa: ANN401 - untyped aiokafka
    """Read a ListOffsets response, version 1 to 3, that was asked for one topic.

    Returns:
        The offset by partition, -1 where no record is as late as the time asked for; and the
        error code by partition for those without an answer.
    """
    offsets, errors = {}, {}
    for _, rows in response.topics:
        for partition, code, _, offset in rows:
            if code:
                errors[partition] = code
            else:
                offsets[partition] = offset
    return offsets, errors


def read_groups(response: Any) -> dict[str, ListedGroup]:  # noqa: ANN401 - untyped aiokafka
    """Read a ListGroups response, version 0, 1, 4 or 5."""
    state_at = 2
    return {
        row[0]: ListedGroup(row[1], row[state_at] if len(row) > state_at else None)
        for row in response.groups
    }


def read_fetch(response: Any) -> list[FetchedPartition]:  # noqa: ANN401 - untyped aiokafka
    """Read a Fetch response, version 4 to 11, that was asked for one topic."""
    aborted = -3 if response.API_VERSION >= _PREFERRED_REPLICA_SINCE else -2
    return [
        FetchedPartition._make((*row[:4], row[aborted] or (), row[-1] or b""))
        for _, rows in response.topics
        for row in rows
    ]
