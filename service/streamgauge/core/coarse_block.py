"""A block of a ledger in which the offsets are known exactly, and event times within a bound.

It keeps the event time of its first record, and a histogram of all event times whose bins hold
equally many: each is known by the middle of its bin. Of arrival times it keeps how many there are
and how old those records were in sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamgauge.core.offset_set import OffsetSet

BINS: Final = 32
"""Bins of the histogram."""
_PLAIN_BYTES: Final = 800
"""Memory of a block whose offsets have no gaps, about."""


class CoarseBlock:
    """Consecutive records of a partition, of which which one has which event time is forgotten.

    Args:
        first_offset: of its first record.
        offsets: where its records lie.
        event_ms: int64[n], n > 0; event times of the records, UNKNOWN where there is none.
        arrived_ms: int64[n]; when they came, UNKNOWN where nobody knows.
        before: records of the ledger that came before it.
    """

    __slots__ = (
        "_arrival_ages_ms",
        "_arrivals",
        "_error_ms",
        "_first_ms",
        "_known",
        "_middle_ms",
        "_offsets",
        "_range_ms",
        "_records",
        "_timed",
        "before",
        "count",
        "first_offset",
        "last_offset",
    )

    def __init__(
        self,
        first_offset: int,
        offsets: OffsetSet,
        event_ms: NDArray[np.int64],
        arrived_ms: NDArray[np.int64],
        before: int = 0,
    ) -> None:
        self.before = before
        self.count = self._records = len(event_ms)
        self.first_offset = first_offset
        self.last_offset = first_offset + offsets.apart(self.count - 1)
        self._offsets = offsets
        self._first_ms = int(event_ms[0])
        timed = event_ms != UNKNOWN
        self._known = int(np.count_nonzero(timed))
        self._timed = None if self._known in {0, self.count} else np.packbits(timed)
        known = np.sort(event_ms[timed])
        self._middle_ms, self._error_ms, self._range_ms = known, 0, 0
        if self._known:
            at = _bins(self._known)
            least, greatest = known[at[:-1]], known[at[1:] - 1]
            self._middle_ms = least + (greatest - least) // 2
            self._error_ms = int((greatest - self._middle_ms).max())
            self._range_ms = int(known[-1] - known[0])
        aged = timed & (arrived_ms != UNKNOWN)
        self._arrivals = int(np.count_nonzero(aged))
        self._arrival_ages_ms = int(np.maximum(arrived_ms - event_ms, 0)[aged].sum())

    @property
    def room(self) -> int:
        """As many blocks without gaps in their offsets have about the memory of this one."""
        return 1 + -(-self._offsets.nbytes // _PLAIN_BYTES)

    def rank(self, offset: int) -> int:
        """How many of its records lie before the offset."""
        if offset <= self.first_offset:
            return 0
        if offset > self.last_offset:
            return self.count
        return self._offsets.rank(offset - self.first_offset)

    def offset(self, rank: int) -> int:
        """Offset of the record of this rank."""
        return self.first_offset + self._offsets.apart(rank)

    def event_ms(self, rank: int) -> tuple[int, int]:
        """Event time of the record of this rank or UNKNOWN, and how wrong it may be at most."""
        event_ms = int(self._all_event_ms()[rank]) if rank else self._first_ms
        return event_ms, self._range_ms if rank and event_ms != UNKNOWN else 0

    def read(
        self, first_rank: int, end_rank: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Event times and arrival times of records, and how wrong an event time may be at most.

        Both are int64[end_rank - first_rank], UNKNOWN where there is none. All event times together
        are as wrong as a bin is wide, to both sides of its middle. Which ones are the first is not
        known any more: a part is told as if time had gone on with the offsets, so that all parts
        together are again what all of them are. As many arrival times are told as were known, each
        by the mean age on arrival.
        """
        ranks = slice(first_rank, end_rank)
        event_ms = self._all_event_ms()
        arrived_ms = self._all_arrived_ms(event_ms)
        whole = (first_rank, end_rank) == (0, self._records)
        return event_ms[ranks], arrived_ms[ranks], self._error_ms if whole else self._range_ms

    def cut(self, offset: int) -> None:
        """Forget the records from this offset on, which are not all of them."""
        self.count = self.rank(offset)
        self.last_offset = self.offset(self.count - 1)

    def _all_arrived_ms(self, event_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self._arrivals:
            return np.full(len(event_ms), UNKNOWN, dtype=np.int64)
        arrived_ms = event_ms + self._arrival_ages_ms // self._arrivals
        if self._arrivals < self._records:
            before = np.cumsum(event_ms != UNKNOWN) * self._arrivals // self._known
            arrived_ms[np.diff(before, prepend=0) == 0] = UNKNOWN
        return arrived_ms

    def _all_event_ms(self) -> NDArray[np.int64]:
        """Also of records that were cut off."""
        if not self._known:
            return np.full(self._records, UNKNOWN, dtype=np.int64)
        known = np.repeat(self._middle_ms, np.diff(_bins(self._known)))
        if self._timed is None:
            return known
        event_ms = np.full(self._records, UNKNOWN, dtype=np.int64)
        event_ms[np.unpackbits(self._timed, count=self._records).view(np.bool_)] = known
        return event_ms


def _bins(known: int) -> NDArray[np.int64]:
    """Ranks at which the bins of so many sorted values begin, and the end of the last one."""
    bins = min(BINS, known)
    return np.arange(bins + 1) * known // bins
