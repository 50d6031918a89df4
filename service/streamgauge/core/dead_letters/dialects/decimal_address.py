"""What the dialects have in common that write integers in decimal digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address
from streamgauge.core.dead_letters.headers import read_topic
from streamgauge.core.dead_letters.integers import MOST_OFFSET, MOST_PARTITION, read_decimal

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.model import Record

LOG_APPEND_TIME: Final = 1
"""The timestamp type of records that the broker stamps."""


def read_decimal_address(which: Callable[[str], bytes | None], prefix: str) -> Address:
    """The address in these occurrences of the headers of this prefix."""
    return Address(
        read_topic(which(prefix + "topic")),
        read_decimal(which(prefix + "partition"), MOST_PARTITION),
        read_decimal(which(prefix + "offset"), MOST_OFFSET),
    )


def created_at(record: Record) -> int | None:
    """The record's own timestamp, where its writer set it and not the broker."""
    return None if record.timestamp_type == LOG_APPEND_TIME else record.timestamp
