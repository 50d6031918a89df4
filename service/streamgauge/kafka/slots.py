"""Slots: the offset and text that the gauge's own group keeps for each partition, fenced.

`consumer.commit()` would not fence: after a freeze it commits under the generation of its
successor. So requests are sent by hand, to the broker that answered SyncGroup, with the identity
that was frozen then. Error codes: https://kafka.apache.org/protocol.html#protocol_error_codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest

from streamgauge.kafka.answers import (
    COORDINATOR_MOVES,
    GROUP_AUTHORIZATION_FAILED,
    TOPIC_AUTHORIZATION_FAILED,
    UNKNOWN_TOPIC_OR_PARTITION,
    Forbidden,
    Retry,
    describe_error,
)
from streamgauge.kafka.errors import BrokersUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streamgauge.kafka.membership import Identity
    from streamgauge.kafka.wire import Wire

REQUEST_BYTES: Final = 800_000
"""Of one commit: above about 0.9 MB the broker refuses it whole, for it is one batch there."""
_SLOT_BYTES: Final = 64
"""What a slot takes beside its text."""
_KEEP_AS_LONG_AS_THE_BROKER_DOES: Final = -1
"""Retention time of OffsetCommit v2 and v3."""


class Fate(Enum):
    """What became of one slot of a commit."""

    STORED = "stored"
    FENCED = "fenced"
    """Somebody else may commit now, or the group has forgotten this member: join anew and read."""
    REBALANCING = "rebalancing"
    """Not stored: a new assignment comes."""
    IN_DOUBT = "in doubt"
    """Stored or not, and it may still land later: a new member id before anything else."""
    LATER = "later"
    """Not stored: the coordinator is loading; the same again after a pause."""
    ABSENT = "absent"
    """Not stored: there is no such topic or partition."""
    FORBIDDEN = "forbidden"
    """Not stored: a right is missing."""
    TOO_LARGE = "too large"
    """Not stored: the text is longer than the broker allows."""
    REQUEST_TOO_LARGE = "request too large"
    """Not stored: fewer slots in one request."""


FATES: Final[Mapping[int, Fate]] = {
    0: Fate.STORED,
    22: Fate.FENCED,
    25: Fate.FENCED,
    82: Fate.FENCED,
    27: Fate.REBALANCING,
    14: Fate.LATER,
    15: Fate.IN_DOUBT,  # also what not-enough-replicas-after-append is told as
    16: Fate.IN_DOUBT,
    7: Fate.IN_DOUBT,
    UNKNOWN_TOPIC_OR_PARTITION: Fate.ABSENT,
    TOPIC_AUTHORIZATION_FAILED: Fate.FORBIDDEN,
    GROUP_AUTHORIZATION_FAILED: Fate.FORBIDDEN,
    12: Fate.TOO_LARGE,
    -1: Fate.REQUEST_TOO_LARGE,
}
"""By error code; a code without a rule is in doubt."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one partition has, or is to have."""

    topic: str
    partition: int
    offset: int
    text: str

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True)
class Answer:
    """The fate of a slot, with the broker's words."""

    fate: Fate
    reason: str


class Slots:
    """Reads and commits the slots of one group."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def read(
        self, identity: Identity, places: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], Slot] | Retry | Forbidden:
        """Read slots; a place where nothing was ever committed is absent.

        Raises:
            BrokersUnavailableError: If the coordinator does not answer in time.
        """
        asked = [(topic, sorted(rows)) for topic, rows in _by_topic(places).items()]
        request = OffsetFetchRequest(identity.group, asked)
        response = await self._wire.send(identity.coordinator, request)
        return read_slots(response, identity.group)

    async def commit(
        self, identity: Identity, slots: Iterable[Slot]
    ) -> dict[tuple[str, int], Answer]:
        """Commit slots under this identity, in as few requests as fit; tell the fate of each."""
        answers: dict[tuple[str, int], Answer] = {}
        for portion in portions(slots, REQUEST_BYTES):
            answers |= await self._commit(identity, portion)
        return answers

    async def _commit(
        self, identity: Identity, portion: list[Slot]
    ) -> dict[tuple[str, int], Answer]:
        topics: dict[str, list[tuple[int, int, str]]] = {}
        for slot in portion:
            topics.setdefault(slot.topic, []).append((slot.partition, slot.offset, slot.text))
        request = OffsetCommitRequest(
            identity.group,
            identity.generation,
            identity.member_id,
            _KEEP_AS_LONG_AS_THE_BROKER_DOES,
            list(topics.items()),
        )
        try:
            response = await self._wire.send(identity.coordinator, request)
        except BrokersUnavailableError as error:
            doubt = Answer(Fate.IN_DOUBT, str(error))
            return {slot.place: doubt for slot in portion}
        return read_fates(response)


def portions(slots: Iterable[Slot], limit_bytes: int) -> Iterator[list[Slot]]:
    """Split slots so that a request with those of one portion stays below the limit."""
    portion: list[Slot] = []
    size = 0
    for slot in slots:
        more = _SLOT_BYTES + len(slot.topic) + len(slot.text.encode())
        if portion and size + more > limit_bytes:
            yield portion
            portion, size = [], 0
        portion.append(slot)
        size += more
    if portion:
        yield portion


def read_fates(response: Any) -> dict[tuple[str, int], Answer]:  # noqa: ANN401 - untyped aiokafka
    """Read an OffsetCommit response, version 2 or 3."""
    return {
        (topic, partition): Answer(
            FATES.get(code, Fate.IN_DOUBT), describe_error(code) if code else ""
        )
        for topic, rows in response.topics
        for partition, code in rows
    }


def read_slots(
    response: Any,  # noqa: ANN401 - untyped aiokafka
    group: str,
) -> dict[tuple[str, int], Slot] | Retry | Forbidden:
    """Read an OffsetFetch response, version 1 to 3; one error in it says nothing of all slots."""
    codes = [getattr(response, "error_code", 0)]
    codes += [code for _, rows in response.topics for *_, code in rows]
    for code in codes:
        if code in COORDINATOR_MOVES:
            return Retry(f"group {group}: {describe_error(code)}")
        if code in {GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED}:
            return Forbidden(f"READ on group {group} and its topics")
    wrong = next((code for code in codes if code not in {0, UNKNOWN_TOPIC_OR_PARTITION}), None)
    if wrong is not None:
        return Retry(f"group {group}: {describe_error(wrong)}")
    return {
        (topic, partition): Slot(topic, partition, offset, text or "")
        for topic, rows in response.topics
        for partition, offset, text, code in rows
        if not code and offset >= 0
    }


def _by_topic(places: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for topic, partition in places:
        found.setdefault(topic, []).append(partition)
    return found
