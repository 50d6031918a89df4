"""What brokers answer, told as values: the rules that turn error codes into what the gauge knows.

Error codes are those of https://kafka.apache.org/protocol.html#protocol_error_codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aiokafka.errors import for_code

from streamgauge.kafka.errors import UnexpectedAnswerError
from streamgauge.kafka.protocol import MetadataResponse_v12

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

UNKNOWN_TOPIC_OR_PARTITION: Final = 3
COORDINATOR_MOVES: Final = frozenset({14, 15, 16})
"""Loading, not available, not coordinator: the answer says nothing about the group."""
TOPIC_AUTHORIZATION_FAILED: Final = 29
GROUP_AUTHORIZATION_FAILED: Final = 30
NO_LEADER: Final = -1


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


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group has committed on one topic, as one answer said it."""

    offsets: Mapping[int, int | None]
    """By partition; None: nothing is committed. A partition that had an error is absent."""
    metadata: Mapping[int, str]
    """The text beside each committed offset."""


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


def read_offset_fetch(response: Any, group: str, topic: str) -> Committed | Retry | Forbidden:  # noqa: ANN401 - untyped aiokafka
    """Read an OffsetFetch response, version 1 to 3, that was asked for one group and topic.

    A group, topic or partition that does not exist cannot be told from one without commits: all
    are answered without error and without an offset.
    """
    code = getattr(response, "error_code", 0)  # version 1 tells it per partition
    rows = [row for name, rows in response.topics for row in rows if name == topic]
    for problem in (code, *(row[3] for row in rows)):
        if problem in COORDINATOR_MOVES:
            return Retry(f"group {group}: {describe_error(problem)}")
        if problem == GROUP_AUTHORIZATION_FAILED:
            return Forbidden(f"DESCRIBE on group {group}")
        if problem == TOPIC_AUTHORIZATION_FAILED:
            return Forbidden(f"DESCRIBE on topic {topic}")
    answered = [(partition, offset, text) for partition, offset, text, error in rows if not error]
    if not answered:
        problem = code or next((row[3] for row in rows), 0)
        return Retry(f"group {group}: {describe_error(problem) if problem else 'empty answer'}")
    return Committed(
        offsets={partition: offset if offset >= 0 else None for partition, offset, _ in answered},
        # librdkafka's Python client ends the text with a NUL
        metadata={partition: (text or "").rstrip("\0") for partition, _, text in answered},
    )


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
