"""Arroyo: `original_partition` and `original_offset`, in decimal, appended by each hop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address, Dialect
from streamgauge.core.dead_letters.dialects.decimal_address import read_decimal_address
from streamgauge.core.dead_letters.dialects.told import Told, later_hop

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.model import Record

PREFIX: Final = "original_"
PARTITION: Final = "original_partition"
OFFSET: Final = "original_offset"


def speaks(headers: Headers) -> bool:
    """Whether the record is of this dialect."""
    return OFFSET in headers and PARTITION in headers


def read(headers: Headers, record: Record) -> Told:
    """What the headers say: where the record lay, but for its topic."""
    hops = headers.count(OFFSET)
    return Told(
        dialect=Dialect.ARROYO,
        origin=_address(headers.first, PREFIX),
        previous_hop=later_hop(_address, headers.last, PREFIX, hops),
        hops=hops,
        failed_at=record.timestamp,
    )


def _address(which: Callable[[str], bytes | None], prefix: str) -> Address:
    """Not with the topic: a header of that name is somebody else's."""
    return read_decimal_address(which, prefix)._replace(topic=None)
