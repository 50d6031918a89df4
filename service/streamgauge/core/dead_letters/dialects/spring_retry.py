"""Spring Kafka's `@RetryableTopic`: `kafka_original-*`, `kafka_exception-*`, `retry_topic-*`.

The original headers are written once. `retry_topic-*` come with each hop, the last counts, and its
attempts are the number of the next one. The order of the headers says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.spring_listener import (
    consumer_of,
    read_spring_address,
)
from streamgauge.core.dead_letters.dialects.told import Told
from streamgauge.core.dead_letters.error_chain import read_chain, read_class
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.headers import read_name
from streamgauge.core.dead_letters.integers import (
    MOST_ATTEMPTS,
    plausible_attempts,
    plausible_ms,
    read_big_endian,
)
from streamgauge.core.dead_letters.message import read_message
from streamgauge.core.event_time import YEAR_10000_MS

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIX: Final = "kafka_original-"
TOPIC: Final = "kafka_original-topic"
TIMESTAMPS: Final = ("kafka_original-timestamp", "retry_topic-original-timestamp")
GROUP: Final = "kafka_dlt-original-consumer-group"
CLASS: Final = "kafka_exception-fqcn"
CAUSE: Final = "kafka_exception-cause-fqcn"
MESSAGE: Final = "kafka_exception-message"
TRACE: Final = "kafka_exception-stacktrace"
ATTEMPTS: Final = "retry_topic-attempts"
DUE: Final = "retry_topic-backoff-timestamp"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return TOPIC in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    next_attempt = read_big_endian(headers.last(ATTEMPTS), MOST_ATTEMPTS)
    stamped = (_time(headers.first(name)) for name in TIMESTAMPS)
    chain = read_chain(headers.last(TRACE))
    message = read_message(headers.last(MESSAGE))
    return Told(
        dialect=Dialect.SPRING_RETRY,
        origin=read_spring_address(headers.first, PREFIX),
        original_timestamp=next((ms for ms in stamped if ms is not None), None),
        hops=headers.count(ATTEMPTS) or headers.count(TOPIC),
        consumer_group=read_name(headers.first(GROUP)),
        consumer=consumer_of(message, chain),
        attempts=None if next_attempt is None else plausible_attempts(next_attempt - 1),
        failure=failure_of(
            chain,
            thrown=read_class(headers.last(CLASS)),
            cause=read_class(headers.last(CAUSE)),
            message=message,
        ),
        failed_at=record.timestamp,
        due_at=_time(headers.last(DUE)),
    )


def _time(value: bytes | None) -> int | None:
    return plausible_ms(read_big_endian(value, YEAR_10000_MS))
