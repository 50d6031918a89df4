"""Spring Kafka's `DeadLetterPublishingRecoverer`: `kafka_dlt-*`, integers in binary.

The first of the original headers is the origin. Since 2.8, which also began to tell the consumer
group, the error stands before the address of its hop: an error behind the last address is that of
a later hop whose address was not written, and the error of the origin is then lost if it does not
stand before the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.spring_listener import (
    consumer_of,
    read_spring_address,
)
from streamgauge.core.dead_letters.dialects.told import Told, later_hop
from streamgauge.core.dead_letters.error_chain import read_chain, read_class
from streamgauge.core.dead_letters.failure import NO_FAILURE, Failure, failure_of
from streamgauge.core.dead_letters.headers import ANYWHERE, read_name
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

PREFIX: Final = "kafka_dlt-original-"
TOPIC: Final = "kafka_dlt-original-topic"
TIMESTAMP: Final = "kafka_dlt-original-timestamp"
GROUP: Final = "kafka_dlt-original-consumer-group"
CAUSE: Final = "kafka_dlt-exception-cause-fqcn"
CLASSES: Final = ("kafka_dlt-exception-fqcn", "kafka_dlt-key-exception-fqcn")
MESSAGES: Final = ("kafka_dlt-exception-message", "kafka_dlt-key-exception-message")
TRACES: Final = ("kafka_dlt-exception-stacktrace", "kafka_dlt-key-exception-stacktrace")
ATTEMPTS: Final = "kafka_deliveryattempt"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return TOPIC in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    places = headers.places(TOPIC)
    hops = len(places)
    is_errors_first = GROUP in headers or CAUSE in headers
    error_places = [place for name in (*CLASSES, *TRACES) for place in headers.places(name)]
    is_passed_on = is_errors_first and any(place > places[-1] for place in error_places)
    failure = NO_FAILURE
    consumer = None
    if is_errors_first:
        failure, consumer = _failure(headers, places[0])
    elif hops == 1:
        failure, consumer = _failure(headers, ANYWHERE)
    attempts = None
    if hops == 1 and not is_passed_on:
        attempts = plausible_attempts(read_big_endian(headers.last(ATTEMPTS), MOST_ATTEMPTS))
    return Told(
        dialect=Dialect.SPRING,
        origin=read_spring_address(headers.first, PREFIX),
        original_timestamp=plausible_ms(read_big_endian(headers.first(TIMESTAMP), YEAR_10000_MS)),
        previous_hop=later_hop(read_spring_address, headers.last, PREFIX, hops),
        hops=None if is_passed_on else hops,
        consumer_group=read_name(headers.first(GROUP)),
        consumer=consumer,
        attempts=attempts,
        failure=failure,
        failed_at=record.timestamp,
    )


def _failure(headers: Headers, before: int) -> tuple[Failure, str | None]:
    """The error that stands before this place, and the listener that failed."""

    def either(names: tuple[str, str]) -> bytes | None:
        value = headers.first(names[0], before)
        return headers.first(names[1], before) if value is None else value

    chain = read_chain(either(TRACES))
    message = read_message(either(MESSAGES))
    failure = failure_of(
        chain,
        thrown=read_class(either(CLASSES)),
        cause=read_class(headers.first(CAUSE, before)),
        message=message,
    )
    return failure, consumer_of(message, chain)
