"""Spring Cloud Stream's Kafka binder: `x-original-*` in binary, `x-exception-*`.

Each hop appends the whole set, the first is the origin. The class header always names a wrapper:
what was thrown is in the stack trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.spring_listener import read_spring_address
from streamgauge.core.dead_letters.dialects.told import Told, later_hop
from streamgauge.core.dead_letters.error_chain import read_chain, read_class
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.integers import plausible_ms, read_big_endian
from streamgauge.core.dead_letters.message import read_message
from streamgauge.core.event_time import YEAR_10000_MS

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIX: Final = "x-original-"
TOPIC: Final = "x-original-topic"
TIMESTAMP: Final = "x-original-timestamp"
CLASS: Final = "x-exception-fqcn"
MESSAGE: Final = "x-exception-message"
TRACE: Final = "x-exception-stacktrace"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return TOPIC in headers and CLASS in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    hops = headers.count(TOPIC)
    return Told(
        dialect=Dialect.SPRING_CLOUD_STREAM,
        origin=read_spring_address(headers.first, PREFIX),
        original_timestamp=plausible_ms(read_big_endian(headers.first(TIMESTAMP), YEAR_10000_MS)),
        previous_hop=later_hop(read_spring_address, headers.last, PREFIX, hops),
        hops=hops,
        failure=failure_of(
            read_chain(headers.first(TRACE)),
            thrown=read_class(headers.first(CLASS)),
            message=read_message(headers.first(MESSAGE)),
        ),
        failed_at=record.timestamp,
    )
