"""What the record itself says, before the configuration fills in what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.core.dead_letters.dead_letter import Address, Dialect
from streamgauge.core.dead_letters.failure import NO_FAILURE, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE: Final = Address(None, None, None)


class Told(NamedTuple):
    """As `DeadLetter`; None is "the record does not say"."""

    dialect: Dialect = Dialect.UNCLASSIFIED
    origin: Address = NOWHERE
    has_origin: bool = True
    """False if the record says that it came from no record."""
    original_timestamp: int | None = None
    previous_hop: Address | None = None
    hops: int | None = None
    consumer_group: str | None = None
    derived_group: str | None = None
    """What the group is called unless it was configured otherwise."""
    consumer: str | None = None
    attempts: int | None = None
    failure: Failure = NO_FAILURE
    stage: str | None = None
    failed_at: int | None = None
    due_at: int | None = None
    """When the next attempt is due, milliseconds since the epoch."""


def later_hop(
    read_address: Callable[[Callable[[str], bytes | None], str], Address],
    which: Callable[[str], bytes | None],
    prefix: str,
    hops: int,
) -> Address | None:
    """The hop before the present one, if there is one and anything is known of it."""
    if hops <= 1:
        return None
    address = read_address(which, prefix)
    return None if address == NOWHERE else address
