"""Records that cannot be decoded have their places among the others: groups pass them as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

UNDECODABLE: Final = 100_000
"""Records in a row that are put in their places; the ledger begins behind those that are more."""


class Undecoded(NamedTuple):
    """Records in a row that cannot be decoded."""

    first_offset: int
    records: int


class Read(NamedTuple):
    """What was read of records, as columns of equal length n."""

    offsets: NDArray[np.int64]
    event_ms: NDArray[np.int64]
    """UNKNOWN where there is none."""
    arrived_ms: NDArray[np.int64]
    """UNKNOWN where nobody knows."""

    def before(self, offset: int) -> Read:
        """Those before an offset."""
        end = int(np.searchsorted(self.offsets, offset))
        return Read(*(column[:end] for column in self))


NOTHING: Final = Read(*[np.zeros(0, dtype=np.int64)] * 3)


def with_undecoded(read: Read, undecoded: Iterable[Undecoded], end: int) -> Read:
    """These records, and in their places those before the end of which only the offset is known."""
    rows = [np.arange(first, min(end, first + records)) for first, records in undecoded]
    if not rows:
        return read
    more = np.setdiff1d(np.concatenate(rows), read.offsets)
    at = np.searchsorted(read.offsets, more)
    return Read(
        np.insert(read.offsets, at, more),
        np.insert(read.event_ms, at, UNKNOWN),
        np.insert(read.arrived_ms, at, UNKNOWN),
    )
