"""Kafka Streams (KIP-1034): `__streams.errors.*`, integers in decimal.

The record keeps the timestamp of its origin. A punctuator fails without a record: the topic is
then null, partition and offset are -1, and there is no origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Dialect
from streamgauge.core.dead_letters.dialects.decimal_address import created_at, read_decimal_address
from streamgauge.core.dead_letters.dialects.told import NOWHERE, Told, later_hop
from streamgauge.core.dead_letters.error_chain import read_chain, read_class
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.message import read_message

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIX: Final = "__streams.errors."
CLASS: Final = "__streams.errors.exception"
TOPIC: Final = "__streams.errors.topic"
MESSAGE: Final = "__streams.errors.message"
TRACE: Final = "__streams.errors.stacktrace"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return CLASS in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    hops = headers.count(TOPIC)
    has_origin = headers.first(TOPIC) is not None or TOPIC not in headers
    return Told(
        dialect=Dialect.STREAMS,
        origin=read_decimal_address(headers.first, PREFIX) if has_origin else NOWHERE,
        has_origin=has_origin,
        original_timestamp=created_at(record) if headers.first(TOPIC) else None,
        previous_hop=later_hop(read_decimal_address, headers.last, PREFIX, hops),
        hops=hops or None,
        failure=failure_of(
            read_chain(headers.first(TRACE)),
            thrown=read_class(headers.first(CLASS)),
            message=read_message(headers.first(MESSAGE)),
        ),
    )
