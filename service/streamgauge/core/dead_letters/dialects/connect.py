"""Kafka Connect with context headers: `__connect.errors.*`, integers in decimal.

Each hop appends the whole set, the first is the origin. The record keeps the timestamp of its
origin: when it failed is nowhere. The group is called after the connector unless it is configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.decimal_address import created_at, read_decimal_address
from streamgauge.core.dead_letters.dialects.told import Told, later_hop
from streamgauge.core.dead_letters.error_chain import read_chain, read_class
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.headers import read_name
from streamgauge.core.dead_letters.message import read_message

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIX: Final = "__connect.errors."
TOPIC: Final = "__connect.errors.topic"
CONNECTOR: Final = "__connect.errors.connector.name"
STAGE: Final = "__connect.errors.stage"
CLASS: Final = "__connect.errors.exception.class.name"
MESSAGE: Final = "__connect.errors.exception.message"
TRACE: Final = "__connect.errors.exception.stacktrace"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return TOPIC in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    hops = headers.count(TOPIC)
    connector = read_name(headers.first(CONNECTOR))
    return Told(
        dialect=Dialect.CONNECT,
        origin=read_decimal_address(headers.first, PREFIX),
        original_timestamp=created_at(record),
        previous_hop=later_hop(read_decimal_address, headers.last, PREFIX, hops),
        hops=hops,
        derived_group=connector and f"connect-{connector}",
        consumer=connector,
        failure=failure_of(
            read_chain(headers.first(TRACE)),
            thrown=read_class(headers.first(CLASS)),
            message=read_message(headers.first(MESSAGE)),
        ),
        stage=read_name(headers.first(STAGE)),
    )
