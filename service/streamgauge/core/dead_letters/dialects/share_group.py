"""Share groups (KIP-1191): `__dlq.errors.*` or `_dlq.errors.*`, everything as text.

The topic may be the id of one that has no name any more: that leads to no record. Snapshots of the
writer stamped records with a clock that does not know the epoch: a time before there were share
groups is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address, Dialect
from streamgauge.core.dead_letters.dialects.decimal_address import read_decimal_address
from streamgauge.core.dead_letters.dialects.told import Told, later_hop
from streamgauge.core.dead_letters.error_chain import NO_CHAIN
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.headers import is_topic_id, read_name
from streamgauge.core.dead_letters.integers import (
    MOST_ATTEMPTS,
    plausible_attempts,
    read_decimal,
)
from streamgauge.core.dead_letters.message import read_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIXES: Final = ("__dlq.errors.", "_dlq.errors.")
EARLIEST_MS: Final = 1_577_836_800_000
"""2020-01-01T00:00:00Z."""


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return any(prefix + "topic" in headers for prefix in PREFIXES)


def read(headers: Headers, record: Record) -> Told:
    """What the headers say."""
    prefix = next(prefix for prefix in PREFIXES if prefix + "topic" in headers)
    hops = headers.count(prefix + "topic")
    attempts = read_decimal(headers.first(prefix + "delivery.count"), MOST_ATTEMPTS)
    is_dated = record.timestamp is not None and record.timestamp >= EARLIEST_MS
    return Told(
        dialect=Dialect.SHARE_GROUP,
        origin=_address(headers.first, prefix),
        previous_hop=later_hop(_address, headers.last, prefix, hops),
        hops=hops,
        consumer_group=read_name(headers.first(prefix + "group")),
        attempts=plausible_attempts(attempts),
        failure=failure_of(NO_CHAIN, message=read_message(headers.first(prefix + "message"))),
        failed_at=record.timestamp if is_dated else None,
    )


def _address(which: Callable[[str], bytes | None], prefix: str) -> Address:
    address = read_decimal_address(which, prefix)
    if address.topic is not None and is_topic_id(address.topic):
        return address._replace(topic=None)
    return address
