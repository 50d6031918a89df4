"""How a tail fetches, and the consumer that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer

from streamgauge.kafka.batches import BATCHES
from streamgauge.kafka.bootstrap import bootstrap
from streamgauge.kafka.creation import never_create_topics
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.patience import pace_fetches, stop_within
from streamgauge.kafka.unreachable import explained

if TYPE_CHECKING:
    from streamgauge.kafka.cluster import IsolationLevel
    from streamgauge.kafka.connection import Connection

RECORDS_PER_POLL: Final = 10_000
"""Some tens of milliseconds of work, some megabytes."""
DEAD_LETTERS_PER_POLL: Final = 100
"""As much work: each is looked at by itself."""

_RETRY_BACKOFF_MS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """When a broker answers a fetch, and with how much."""

    min_bytes: int = 64 * 1024
    """The broker waits for so much, but no longer than `max_wait_ms`."""
    max_wait_ms: int = 100
    """At least 50."""
    max_bytes: int = 16 * 1024 * 1024
    partition_max_bytes: int = 1024 * 1024
    check_crcs: bool = False
    """TCP and TLS have checked the bytes once already."""
    records_per_poll: int = RECORDS_PER_POLL
    """What a poll aims at."""


STREAM: Final = Fetching()
DEAD_LETTERS: Final = Fetching(min_bytes=1, records_per_poll=DEAD_LETTERS_PER_POLL)
"""A dead letter is worth a fetch of its own: it is seen within milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailSettings:
    """What is tailed, and how."""

    topic: str
    isolation_level: IsolationLevel = "read_committed"
    fetching: Fetching = STREAM
    poll_ms: int = 200
    """A poll that finds nothing returns after so long."""
    patience_seconds: float = 15.0
    """A partition that has a leader and is not answered for as long has stalled the tail."""


async def start_consumer(connection: Connection, settings: TailSettings) -> AIOKafkaConsumer:
    """Start a consumer that belongs to no group, never resets a position and creates no topic.

    Raises:
        BrokersUnavailableError: If no broker lets the gauge in; says why for each.
        ConnectionSettingError: If a setting of the connection cannot be used.
    """
    never_create_topics()
    fetching = settings.fetching
    consumer = AIOKafkaConsumer(
        **connection.client_arguments(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=settings.isolation_level,
        key_deserializer=BATCHES,
        fetch_min_bytes=fetching.min_bytes,
        fetch_max_wait_ms=fetching.max_wait_ms,
        fetch_max_bytes=fetching.max_bytes,
        max_partition_fetch_bytes=fetching.partition_max_bytes,
        check_crcs=fetching.check_crcs,
        retry_backoff_ms=_RETRY_BACKOFF_MS,
    )
    try:
        await bootstrap(consumer._client, consumer.start(), connection)  # noqa: SLF001 - no seam
    except BrokersUnavailableError as error:
        await stop_within(consumer)
        raise await explained(connection, error) from error
    except BaseException:
        await stop_within(consumer)
        raise
    pace_fetches(consumer)
    return consumer
