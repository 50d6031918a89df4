"""A dead letter: a record of a dead letter topic, as far as the record says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Dialect(StrEnum):
    """Who wrote the record, as its headers or its value show."""

    SPRING = "spring"
    SPRING_RETRY = "spring-retry"
    SPRING_CLOUD_STREAM = "spring-cloud-stream"
    CONNECT = "connect"
    STREAMS = "streams"
    SHARE_GROUP = "share-group"
    SMALLRYE = "smallrye"
    ARROYO = "arroyo"
    CONFIGURED = "configured"
    JSON_ENVELOPE = "json-envelope"
    UNCLASSIFIED = "unclassified"


class Kind(StrEnum):
    """What it would take for the record to be processed."""

    POISON = "poison"
    """It fails however often it is tried."""
    OUTAGE = "outage"
    """It would have been processed at another time."""
    UNKNOWN = "unknown"


class Address(NamedTuple):
    """Where a record lies; None is what nobody says."""

    topic: str | None
    partition: int | None
    offset: int | None

    @property
    def is_whole(self) -> bool:
        """Whether it leads to one record."""
        return None not in self


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What one record says of its failure; None is "the record does not say"."""

    dialect: Dialect
    original_topic: str | None = None
    original_partition: int | None = None
    original_offset: int | None = None
    original_timestamp: int | None = None
    """Record timestamp of the origin, in milliseconds since the epoch."""
    previous_hop: Address | None = None
    """Where it lay before it came here, if that is not its origin."""
    hops: int | None = None
    """How often it was passed on: 1 is directly from its origin."""
    consumer_group: str | None = None
    consumer: str | None = None
    """The program, connector, listener or method that failed."""
    attempts: int | None = None
    """How often it was tried."""
    error_class: str | None = None
    """As it is written, wrappers removed."""
    root_cause_class: str | None = None
    message: str | None = None
    """Normalised and masked: equal causes have equal messages, and no record's value is in it."""
    stage: str | None = None
    failed_at: int | None = None
    """Milliseconds since the epoch."""
    retrying: bool = False
    """It is being tried again, and not dead."""
    kind: Kind = Kind.UNKNOWN

    @property
    def origin(self) -> Address:
        """The record that failed first."""
        return Address(self.original_topic, self.original_partition, self.original_offset)


class Letter(NamedTuple):
    """A dead letter and what else of its record counts; the record itself goes no further."""

    said: DeadLetter
    partition: int
    """Of the dead letter topic."""
    offset: int
    timestamp_ms: int | None
    """The record's own."""
    key_hash: int | None
    """64 bits that stand for the key; None without one."""
    event_ms: int | None
    """Event time by the rules of the stream as this record tells it: headers are copied."""
    context: bytes | None
    """Trace context as in `Columns.contexts`."""
